using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;

namespace Interpose.Abi.Tests;

/// <summary>
/// The C compiler is the judge: every constant, size and offset becomes a _Static_assert against
/// the headers of this system.
/// </summary>
public sealed class HeaderTests
{
    private const string Headers = """
        #define _GNU_SOURCE
        #include <errno.h>
        #include <fcntl.h>
        #include <poll.h>
        #include <signal.h>
        #include <stddef.h>
        #include <stdint.h>
        #include <stdio.h>
        #include <time.h>
        #include <net/if.h>
        #include <sys/ioctl.h>
        #include <sys/resource.h>
        #include <sys/socket.h>
        #include <sys/stat.h>
        #include <sys/time.h>
        #include <sys/user.h>
        #include <sys/wait.h>
        #include <unistd.h>
        #include <asm/ioctls.h>
        #include <asm/unistd_64.h>
        #include <linux/audit.h>
        #include <linux/capability.h>
        #include <linux/close_range.h>
        #include <linux/filter.h>
        #include <linux/fs.h>
        #include <linux/fuse.h>
        #include <linux/futex.h>
        #include <linux/kcmp.h>
        #include <linux/keyctl.h>
        #include <linux/landlock.h>
        #include <linux/limits.h>
        #include <linux/memfd.h>
        #include <linux/mount.h>
        #include <linux/mman.h>
        #include <linux/magic.h>
        #include <linux/nsfs.h>
        #include <linux/openat2.h>
        #include <linux/prctl.h>
        #include <linux/ptrace.h>
        #include <linux/sched.h>
        #include <linux/seccomp.h>
        #include <linux/securebits.h>
        #include <linux/sockios.h>

        """;

    /// <summary>Names of ours that say what the headers say in other words.</summary>
    private static readonly Dictionary<string, string> InOtherWords = new()
    {
        ["OFFSET_R10"] = "offsetof(struct user_regs_struct, r10)",
        ["OFFSET_R9"] = "offsetof(struct user_regs_struct, r9)",
        ["OFFSET_R8"] = "offsetof(struct user_regs_struct, r8)",
        ["OFFSET_RAX"] = "offsetof(struct user_regs_struct, rax)",
        ["OFFSET_RDX"] = "offsetof(struct user_regs_struct, rdx)",
        ["OFFSET_RSI"] = "offsetof(struct user_regs_struct, rsi)",
        ["OFFSET_RDI"] = "offsetof(struct user_regs_struct, rdi)",
        ["OFFSET_ORIG_RAX"] = "offsetof(struct user_regs_struct, orig_rax)",
        ["USER_REGS"] = "sizeof(struct user_regs_struct) / sizeof(uint64_t)",
        ["OFFSET_RIP"] = "offsetof(struct user_regs_struct, rip)",
        ["OFFSET_RSP"] = "offsetof(struct user_regs_struct, rsp)",

        // In sys/mount.h, which cannot stand beside linux/mount.h: umount2(2).
        ["MNT_DETACH"] = "2",

        // Linux 6.2 and 6.12, newer than these headers.
        ["LANDLOCK_ACCESS_FS_TRUNCATE"] = "1ULL << 14",
        ["LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET"] = "1ULL << 0",
        ["LANDLOCK_SCOPE_SIGNAL"] = "1ULL << 1",

        // Versions 7.39, 7.40 and 7.45 of the protocol (Linux 6.6, 6.9, 6.18): include/uapi/linux/fuse.h.
        ["FUSE_STATX"] = "52",
        ["FUSE_COPY_FILE_RANGE_64"] = "53",
        ["FUSE_PASSTHROUGH"] = "1ULL << 37",
        ["FOPEN_PASSTHROUGH"] = "1 << 7",
        ["FUSE_DEV_IOC_BACKING_OPEN"] = "_IOW(FUSE_DEV_IOC_MAGIC, 1, uint64_t[2])",
        ["FUSE_DEV_IOC_BACKING_CLOSE"] = "_IOW(FUSE_DEV_IOC_MAGIC, 2, uint32_t)",

        // Linux 6.3, newer than these headers.
        ["MFD_EXEC"] = "0x10",

        // Linux 6.6, newer than these headers.
        ["__NR_fchmodat2"] = "452",

        // glibc counts one more than the kernel's signals.
        ["_NSIG"] = "_NSIG - 1",
    };

    /// <summary>The union and the renamed members of the C structs.</summary>
    private static readonly Dictionary<string, string> Members = new()
    {
        ["ptrace_syscall_info.nr"] = "seccomp.nr",
        ["ptrace_syscall_info.rval"] = "exit.rval",
        ["ptrace_syscall_info.is_error"] = "exit.is_error",
        ["ptrace_syscall_info.arg0"] = "seccomp.args[0]",
        ["ptrace_syscall_info.arg1"] = "seccomp.args[1]",
        ["ptrace_syscall_info.arg2"] = "seccomp.args[2]",
        ["ptrace_syscall_info.arg3"] = "seccomp.args[3]",
        ["ptrace_syscall_info.arg4"] = "seccomp.args[4]",
        ["ptrace_syscall_info.arg5"] = "seccomp.args[5]",
        ["ptrace_syscall_info.ret_data"] = "seccomp.ret_data",
        ["seccomp_data.arg0"] = "args[0]",
        ["seccomp_data.arg1"] = "args[1]",
        ["seccomp_data.arg2"] = "args[2]",
        ["seccomp_data.arg3"] = "args[3]",
        ["seccomp_data.arg4"] = "args[4]",
        ["seccomp_data.arg5"] = "args[5]",
    };

    /// <summary>
    /// Structs that are newer than these headers, each with the size that the protocol gives it,
    /// and those that have grown since: 7.40 and 7.42 named what was padding.
    /// </summary>
    private static readonly Dictionary<string, int> Newer = new()
    {
        ["fuse_statx_in"] = 24,
        ["fuse_sx_time"] = 16,
        ["fuse_statx"] = 256,
        ["fuse_statx_out"] = 288,
        ["fuse_backing_map"] = 16,
        ["fuse_copy_file_range_out"] = 8,
        ["fuse_open_out"] = 16,
        ["fuse_init_out"] = 64,
    };

    /// <summary>Defined by the kernel's own headers only, which no user program sees.</summary>
    private static readonly HashSet<string> KernelOnly =
    [
        "None", "ERESTARTSYS", "ERESTARTNOINTR", "ERESTARTNOHAND", "ENOIOCTLCMD",
        "ERESTART_RESTARTBLOCK",
    ];

    [Fact]
    public void Constants_and_structs_equal_the_headers()
    {
        List<string> asserts = [.. Constants(), .. Errnos(), .. Structs(), .. Names()];
        Assert.True(asserts.Count > 750, $"only {asserts.Count} asserts");
        Assert.Equal(string.Empty, Compile(asserts));
    }

    [Fact]
    public void A_wrong_value_is_found()
    {
        string said = Compile(["_Static_assert(CLONE_VM == 0x101, \"CLONE_VM\");"]);
        Assert.Contains("CLONE_VM", said, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_offset_is_found()
    {
        string said = Compile(["_Static_assert(offsetof(struct clone_args, tls) == 8, \"tls\");"]);
        Assert.Contains("tls", said, StringComparison.Ordinal);
    }

    [Fact]
    public void Structs_that_the_headers_do_not_have_are_of_the_protocols_size()
    {
        foreach ((string name, int size) in Newer)
        {
            Type type = typeof(Uapi).Assembly.GetType($"Interpose.Abi.{name}")!;
            Assert.Equal(size, Marshal.SizeOf(type));
        }

        // fuse_statx has the members of struct statx in the same places, up to those after the device.
        foreach (FieldInfo field in typeof(fuse_statx).GetFields())
        {
            string other = field.Name is "__spare2" ? "stx_mnt_id"
                : field.Name.StartsWith("__", StringComparison.Ordinal) ? field.Name
                : "stx_" + field.Name;
            Assert.Equal(
                Marshal.OffsetOf<statx>(other), Marshal.OffsetOf<fuse_statx>(field.Name));
        }
    }

    [Theory]
    [InlineData(Errno.EPERM, "EPERM (Operation not permitted)")]
    [InlineData((Errno)4000, "4000")]
    public void Errors_are_described(Errno errno, string text) =>
        Assert.Equal(text, errno.Describe());

    [Fact]
    public void Errors_are_found_by_name_only()
    {
        Assert.True(ErrnoText.TryParse("ENOMEM", out Errno errno));
        Assert.Equal(Errno.ENOMEM, errno);
        Assert.False(ErrnoText.TryParse("12", out _));
        Assert.False(ErrnoText.TryParse("ENOSUCH", out _));
        Assert.False(ErrnoText.TryParse("EPERM (Operation", out _));
        foreach (Errno each in Enum.GetValues<Errno>())
        {
            Assert.Equal(each.ToString(), each.Name());
            Assert.Equal(each != Errno.None, ErrnoText.TryParse(each.ToString(), out errno));
            Assert.Equal(each, errno);
        }
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(335)]
    [InlineData(423)]
    [InlineData(470)]
    [InlineData(int.MaxValue)]
    public void Numbers_that_no_call_has_have_no_name(int number)
    {
        Assert.Null(SyscallNames.Of(number));
        Assert.False(SyscallNames.TryParse("clone4", out _));
        Assert.False(CapabilityNames.TryParse("CAP_NONE", out _));
    }

    [Theory]
    [InlineData(17, "SIGCHLD")]
    [InlineData(34, "SIGRTMIN+2")]
    [InlineData(99, "signal 99")]
    public void Signals_have_names(int signal, string name) =>
        Assert.Equal(name, SignalNames.Of(signal));

    private static IEnumerable<string> Constants()
    {
        foreach (FieldInfo field in typeof(Uapi).GetFields(BindingFlags.Public | BindingFlags.Static))
        {
            object value = field.GetRawConstantValue()!;
            string expected = value switch
            {
                ulong u => $"{u}ULL",
                uint u => $"{u}U",
                _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
            };
            string name = InOtherWords.GetValueOrDefault(field.Name, field.Name);
            string cast = value is uint ? "(uint32_t)" : value is int ? "(int32_t)" : "(uint64_t)";
            yield return $"_Static_assert({cast}({name}) == {expected}, \"{field.Name}\");";
        }
    }

    private static IEnumerable<string> Errnos() =>
        from errno in Enum.GetValues<Errno>()
        where !KernelOnly.Contains(errno.ToString())
        select $"_Static_assert({errno} == {(int)errno}, \"{errno}\");";

    /// <summary>What newer kernels added the headers of this system may not have.</summary>
    private static IEnumerable<string> Names()
    {
        foreach (string name in SyscallNames.All)
        {
            Assert.True(SyscallNames.TryParse(name, out int number));
            Assert.Equal(name, SyscallNames.Of(number));
            yield return number <= 450 ? $"_Static_assert(__NR_{name} == {number}, \"{name}\");"
                : $"#ifdef __NR_{name}\n_Static_assert(__NR_{name} == {number}, \"{name}\");\n#endif";
        }

        foreach (string name in CapabilityNames.All)
        {
            Assert.True(CapabilityNames.TryParse(name, out int bit));
            Assert.Equal([name], CapabilityNames.Of(1UL << bit));
            yield return $"_Static_assert({name} == {bit}, \"{name}\");";
        }

        yield return $"_Static_assert(CAP_LAST_CAP >= {CapabilityNames.All.Count - 1}, \"last\");";
    }

    private static IEnumerable<string> Structs()
    {
        foreach (Type type in typeof(Uapi).Assembly.GetExportedTypes().Where(IsNativeStruct))
        {
            if (Newer.ContainsKey(type.Name))
            {
                continue;
            }

            string c = type.Name == "siginfo_t" ? "siginfo_t" : "struct " + type.Name;
            yield return $"_Static_assert(sizeof({c}) == {Marshal.SizeOf(type)}, \"{type.Name}\");";
            foreach (FieldInfo field in type.GetFields(BindingFlags.Public | BindingFlags.Instance))
            {
                string member = Members.GetValueOrDefault($"{type.Name}.{field.Name}", field.Name);
                yield return $"_Static_assert(offsetof({c}, {member}) == "
                    + $"{Marshal.OffsetOf(type, field.Name)}, \"{type.Name}.{field.Name}\");";
            }
        }
    }

    private static bool IsNativeStruct(Type type) =>
        type.IsValueType && !type.IsEnum && char.IsLower(type.Name[0]);

    private static string Compile(IEnumerable<string> asserts)
    {
        string directory = Directory.CreateTempSubdirectory("sandbox-abi-").FullName;
        try
        {
            string source = Path.Combine(directory, "abi.c");
            File.WriteAllText(source, Headers + string.Join('\n', asserts) + "\n", Encoding.ASCII);
            var start = new ProcessStartInfo("gcc") { RedirectStandardError = true };
            foreach (string argument in new[] { "-std=gnu11", "-fsyntax-only", source })
            {
                start.ArgumentList.Add(argument);
            }

            using Process gcc = Process.Start(start)!;
            string said = gcc.StandardError.ReadToEnd();
            gcc.WaitForExit();
            return gcc.ExitCode == 0 ? string.Empty : said;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
