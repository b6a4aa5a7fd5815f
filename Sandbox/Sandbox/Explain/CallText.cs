using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Interpose.Abi;
using Policies;
using Policies.Files;
using Sandbox.Kernel;
using static Interpose.Abi.Uapi;

namespace Sandbox.Explain;

/// <summary>What is wrong with a call that was written down.</summary>
/// <param name="Column">Where, from 1.</param>
/// <param name="Message">What is wrong and what would be right.</param>
internal sealed record CallTextError(int Column, string Message);

/// <summary>
/// A system call written as a person would: <c>clone3(CLONE_NEWUSER|CLONE_VM,
/// exit_signal=SIGCHLD)</c>. It becomes registers and, for clone3, memory that the real decoder
/// reads.
/// </summary>
internal sealed class CallText : IGuestMemory
{
    private const ulong StructAt = 0x10000;
    private const int MostText = 4096;
    private const string SetTid = "set_tid";
    private const string Descriptor = "fd";
    private readonly Dictionary<string, ulong> _values = new(StringComparer.Ordinal);
    private readonly List<uint> _tids = [];
    private readonly CallScanner _scanner;
    private byte[] _memory = [];

    private CallText(string text) => _scanner = new CallScanner(text);

    /// <summary>The call.</summary>
    public EntryPoint Entry { get; private set; }

    /// <summary>Its arguments in registers.</summary>
    public ulong[] Arguments { get; } = new ulong[5];

    /// <summary>
    /// The names that a call takes, each as <c>NAME=VALUE</c>; of flags the first.
    /// </summary>
    private static string[] NamesOf(EntryPoint entry) => entry switch
    {
        EntryPoint.Clone => ["flags", "stack", "parent_tid", "pidfd", "child_tid", "tls"],
        EntryPoint.Clone3 =>
        [
            "flags", "exit_signal", "pidfd", "child_tid", "parent_tid", "stack", "stack_size",
            "tls", SetTid, "cgroup", "size",
        ],
        EntryPoint.Unshare => ["flags"],
        EntryPoint.Setns => [Descriptor, "flags"],
        _ => [],
    };

    /// <summary>Reads a call; null with an error when it is none.</summary>
    public static CallText? Parse(string text, out CallTextError? error)
    {
        error = text.Length > MostText ? new(1, $"a call has at most {MostText} characters") : null;
        var call = new CallText(text);
        error ??= call.Read();
        return error is null ? call : null;
    }

    /// <inheritdoc/>
    public Errno Read(HostTid task, ulong address, Span<byte> destination, out int read)
    {
        read = 0;
        if (address < StructAt || address - StructAt >= (ulong)_memory.Length)
        {
            return Errno.EFAULT;
        }

        ReadOnlySpan<byte> from = _memory.AsSpan((int)(address - StructAt));
        read = Math.Min(from.Length, destination.Length);
        from[..read].CopyTo(destination);
        return Errno.None;
    }

    private CallTextError? Read()
    {
        int column = _scanner.Column;
        string name = _scanner.Word();
        if (!EntryPointNames.TryParse(name, out EntryPoint entry))
        {
            var calls = new List<string>();
            foreach (EntryPoint call in EntryPointNames.Calls)
            {
                calls.Add(call.Name());
            }

            return new(column, $"a call begins with one of {string.Join(", ", calls)}"
                + Nearest.Suggest(name, calls));
        }

        Entry = entry;
        if (_scanner.Take('('))
        {
            CallTextError? wrong = ReadArguments(NamesOf(entry));
            if (wrong is not null)
            {
                return wrong;
            }
        }

        return _scanner.AtEnd ? Lay() : new(_scanner.Column, "nothing may follow the call");
    }

    private CallTextError? ReadArguments(string[] names)
    {
        for (int position = 0; !_scanner.Take(')'); position++)
        {
            if (position > 0 && !_scanner.Take(','))
            {
                return new(_scanner.Column, "',' or ')' is missing here");
            }

            int column = _scanner.Column;
            string? name = _scanner.NameBeforeEquals();
            if (name is null && position < names.Length && position < Positional)
            {
                name = names[position];
            }

            if (name is null || Array.IndexOf(names, name) < 0)
            {
                return new(column, names.Length == 0 ? $"{Entry.Name()} takes no argument"
                    : $"{Entry.Name()} takes {string.Join(", ", names)}, written NAME=VALUE"
                        + (name is null ? "" : Nearest.Suggest(name, names)));
            }

            CallTextError? wrong = ReadValue(name, column);
            if (wrong is not null)
            {
                return wrong;
            }
        }

        return null;
    }

    private int Positional => Entry == EntryPoint.Setns ? 2 : 1;

    private CallTextError? ReadValue(string name, int column)
    {
        if (!_values.TryAdd(name, 0))
        {
            return new(column, $"{name} is there twice");
        }

        if (name == SetTid)
        {
            return _scanner.Numbers(_tids);
        }

        CallTextError? wrong = _scanner.Expression(out ulong value, out bool number);
        _values[name] = value;
        return wrong ?? (name != Descriptor || number ? null : new(column,
            "setns takes a descriptor first, which is a number: setns(3, CLONE_NEWNET), or "
                + "setns(flags=CLONE_NEWNET) for any"));
    }

    private ulong Value(string name) => _values.GetValueOrDefault(name);

    /// <summary>Puts the values where the kernel would look for them.</summary>
    private CallTextError? Lay()
    {
        switch (Entry)
        {
            case EntryPoint.Clone:
                Arguments[0] = Value("flags");
                Arguments[1] = Value("stack");
                Arguments[2] = Value("pidfd") | Value("parent_tid");
                Arguments[3] = Value("child_tid");
                Arguments[4] = Value("tls");
                break;
            case EntryPoint.Clone3:
                LayStruct();
                break;
            case EntryPoint.Unshare:
                Arguments[0] = Value("flags");
                break;
            case EntryPoint.Setns:
                (Arguments[0], Arguments[1]) = (Value(Descriptor), Value("flags"));
                break;
        }

        return null;
    }

    private void LayStruct()
    {
        ulong size = _values.TryGetValue("size", out ulong given)
            ? given : CLONE_ARGS_SIZE_VER2;
        int readable = (int)Math.Min(size, 4096);
        int tidsAt = Math.Max(readable, CLONE_ARGS_SIZE_VER2);
        var args = new clone_args
        {
            flags = Value("flags"),
            pidfd = Value("pidfd"),
            child_tid = Value("child_tid"),
            parent_tid = Value("parent_tid"),
            exit_signal = Value("exit_signal"),
            stack = Value("stack"),
            stack_size = Value("stack_size"),
            tls = Value("tls"),
            set_tid = _tids.Count == 0 ? 0 : StructAt + (ulong)tidsAt,
            set_tid_size = (ulong)_tids.Count,
            cgroup = Value("cgroup"),
        };
        _memory = new byte[tidsAt + (_tids.Count * sizeof(uint))];
        MemoryMarshal.Write(_memory, in args);
        MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(_tids)).CopyTo(_memory.AsSpan(tidsAt));
        (Arguments[0], Arguments[1]) = (StructAt, size);
    }
}
