using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Interpose.Abi;
using Interpose.Fuse;
using static Interpose.Abi.Uapi;

namespace Interpose.Tests.Fuse;

/// <summary>The protocol itself, with a peer in the kernel's place; no mount, no /dev/fuse.</summary>
[Collection("Waits")]
public sealed class FuseProtocolTests : IDisposable
{
    /// <summary>What kernels offer: 6.1, 6.12, 6.18; and one that offers everything.</summary>
    private const ulong Flags61 = 0x0f_73ff_fffbUL;
    private const ulong Flags612 = 0x1ff_73ff_fffbUL;
    private const ulong Everything = ulong.MaxValue;
    private readonly string _directory = Directory.CreateTempSubdirectory("fuse-").FullName;

    public FuseProtocolTests()
    {
        File.WriteAllText(_directory + "/a", "text");
        File.WriteAllText(_directory + "/b", "text");
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData(31, Flags61, FuseMode.Ordinary, 31, 0UL)]
    [InlineData(37, Flags61, FuseMode.Ordinary, 37, 0UL)]
    [InlineData(37, Flags61, FuseMode.Passthrough, 37, 0UL)]
    [InlineData(37, Flags61, FuseMode.ReadOnly, 37, FUSE_NO_OPEN_SUPPORT)]
    [InlineData(41, Flags612, FuseMode.Passthrough, 41, FUSE_PASSTHROUGH)]
    [InlineData(45, Everything, FuseMode.Passthrough, 45, FUSE_PASSTHROUGH)]
    [InlineData(45, Everything, FuseMode.Ordinary, 45, 0UL)]
    [InlineData(60, Everything, FuseMode.ReadOnly, 45, FUSE_NO_OPEN_SUPPORT)]
    public void Versions_and_flags_are_those_that_both_have(
        uint minor, ulong offered, FuseMode mode, uint agreed, ulong special)
    {
        const ulong common = FUSE_ASYNC_READ | FUSE_ATOMIC_O_TRUNC | FUSE_BIG_WRITES
            | FUSE_AUTO_INVAL_DATA | FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO | FUSE_ASYNC_DIO
            | FUSE_PARALLEL_DIROPS | FUSE_ABORT_ERROR | FUSE_MAX_PAGES | FUSE_CACHE_SYMLINKS
            | FUSE_HANDLE_KILLPRIV_V2 | FUSE_INIT_EXT;
        using FusePeer peer = New(mode);
        (Errno errno, fuse_init_out said) = peer.Begin(minor, offered);
        Assert.Equal(Errno.None, errno);
        Assert.Equal(((uint)FUSE_KERNEL_VERSION, agreed), (said.major, said.minor));
        Assert.Equal((common | special) & offered, said.flags | ((ulong)said.flags2 << 32));
        Assert.Equal((1u << 20, (ushort)256), (said.max_write, said.max_pages));
        Assert.Equal((special & FUSE_PASSTHROUGH) != 0, said.max_stack_depth > 0);
        Assert.Equal(Errno.None, peer.Ask(FUSE_GETATTR, FUSE_ROOT_ID, new byte[16]).Errno);
    }

    [Fact]
    public void A_newer_major_version_is_asked_to_come_down()
    {
        using FusePeer peer = New();
        (Errno errno, fuse_init_out said) = peer.Begin(0, 0, FUSE_KERNEL_VERSION + 1);
        Assert.Equal((Errno.None, (uint)FUSE_KERNEL_VERSION), (errno, said.major));
        Assert.Equal(Errno.None, peer.Begin(45, Everything).Errno);
        Assert.Equal(Errno.None, peer.Lookup("a").Errno);
    }

    [Theory]
    [InlineData(7, 30)]
    [InlineData(6, 45)]
    public void A_version_that_is_too_old_ends_it(uint major, uint minor)
    {
        using FusePeer peer = New();
        Assert.Equal(Errno.EPROTO, peer.Begin(minor, Everything, major).Errno);
        Assert.Equal(FuseEnd.Failed, peer.Await());
    }

    [Fact]
    public void Nodes_live_as_long_as_the_kernel_counts_them()
    {
        using FusePeer peer = New();
        peer.Begin(45, Everything);
        ulong node = peer.Lookup("a").Node;
        Assert.Equal(node, peer.Lookup("a").Node);
        ulong other = peer.Lookup("b").Node;
        Assert.Equal(3, peer.Server.Files.Tree.Count);
        peer.Forget(node, 1);
        Assert.Equal(Errno.None, peer.Ask(FUSE_GETATTR, node, new byte[16]).Errno);
        peer.Forget(node, 1);
        Assert.Equal(Errno.ESTALE, peer.Ask(FUSE_GETATTR, node, new byte[16]).Errno);

        // Its place is taken again, its number is not.
        Assert.NotEqual(node, peer.Lookup("a").Node);
        peer.Send(FUSE_BATCH_FORGET, 0, Forgets((other, 1), (peer.Lookup("a").Node, 2), (999, 5)));
        Assert.Equal(Errno.ESTALE, peer.Ask(FUSE_GETATTR, other, new byte[16]).Errno);
        Assert.Equal(1, peer.Server.Files.Tree.Count);
        peer.Forget(FUSE_ROOT_ID, 100);
        Assert.Equal(Errno.None, peer.Ask(FUSE_GETATTR, FUSE_ROOT_ID, new byte[16]).Errno);
    }

    [Fact]
    public void A_listing_with_attributes_counts_each_node_that_it_tells_of()
    {
        using FusePeer peer = New();
        peer.Begin(45, Everything);
        ulong handle = BinaryPrimitives.ReadUInt64LittleEndian(
            peer.Ask(FUSE_OPENDIR, FUSE_ROOT_ID, new byte[8]).Body);

        // Room for one entry at a time: none is counted that was not told.
        var nodes = new List<ulong>();
        ulong at = 0;
        while (true)
        {
            byte[] body = peer.Ask(FUSE_READDIRPLUS, FUSE_ROOT_ID, Reading(handle, at, 160)).Body;
            if (body.Length == 0)
            {
                break;
            }

            nodes.Add(BinaryPrimitives.ReadUInt64LittleEndian(body));
            at = BinaryPrimitives.ReadUInt64LittleEndian(body.AsSpan(128 + 8));
        }

        Assert.Equal(4, nodes.Count);
        ulong[] told = [.. nodes.Where(n => n != 0)];
        Assert.Equal(2, told.Length);
        Assert.Equal(3, peer.Server.Files.Tree.Count);
        Assert.All(told, n => peer.Forget(n, 1));
        Assert.Equal(Errno.None, peer.Ask(FUSE_RELEASEDIR, FUSE_ROOT_ID, Releasing(handle)).Errno);
        Assert.Equal((1, 0), (peer.Server.Files.Tree.Count, peer.Server.Files.Handles.Count));
    }

    [Fact]
    public void What_the_kernel_does_not_take_is_taken_back()
    {
        using FusePeer peer = New();
        peer.Begin(45, Everything);
        FuseFiles files = peer.Server.Files;
        using var reply = new FuseReply(1 << 16);
        TakeBack(files, reply, FUSE_LOOKUP, "a\0"u8.ToArray());
        Assert.Equal(1, files.Tree.Count);
        TakeBack(files, reply, FUSE_CREATE, [.. Creating(), .. "new\0"u8]);
        Assert.Equal((1, 0), (files.Tree.Count, files.Handles.Count));
        ulong handle = BinaryPrimitives.ReadUInt64LittleEndian(
            peer.Ask(FUSE_OPENDIR, FUSE_ROOT_ID, new byte[8]).Body);
        TakeBack(files, reply, FUSE_READDIRPLUS, Reading(handle, 0, 4096));
        Assert.Equal((1, 1), (files.Tree.Count, files.Handles.Count));
    }

    [Fact]
    public void Each_request_gets_one_answer_and_a_failing_one_EIO()
    {
        const int requests = 2000;
        using var peer = new FusePeer(_directory, FuseMode.Ordinary, new FailingRule());
        peer.Begin(45, Everything);
        var waiting = new HashSet<ulong>();
        byte[][] names = ["a\0"u8.ToArray(), "absent\0"u8.ToArray(), "failing\0"u8.ToArray()];
        int failed = 0;
        for (int i = 0; i < requests; i++)
        {
            waiting.Add(peer.Send(FUSE_LOOKUP, FUSE_ROOT_ID, names[i % names.Length]));
            if (waiting.Count > 20)
            {
                failed += Take(peer, waiting);
            }
        }

        while (waiting.Count > 0)
        {
            failed += Take(peer, waiting);
        }

        Assert.Equal(requests / names.Length, failed);
        Assert.Equal(Errno.None, peer.Ask(FUSE_GETATTR, FUSE_ROOT_ID, new byte[16]).Errno);
    }

    [Fact]
    public void What_nobody_knows_is_answered()
    {
        using FusePeer peer = New();
        peer.Begin(45, Everything);
        Assert.Equal(Errno.ENOSYS, peer.Ask(4000, FUSE_ROOT_ID, []).Errno);
        Assert.Equal(Errno.ESTALE, peer.Ask(FUSE_GETATTR, 12345, new byte[16]).Errno);
        Assert.Equal(Errno.EBADF, peer.Ask(FUSE_READ, FUSE_ROOT_ID, Reading(77, 0, 100)).Errno);
        Assert.Equal(Errno.EBADF, peer.Ask(FUSE_RELEASE, FUSE_ROOT_ID, Releasing(77)).Errno);
        Assert.Equal(Errno.EBADF, peer.Ask(FUSE_READDIR, FUSE_ROOT_ID, Reading(0, 0, 100)).Errno);
        Assert.Equal(
            Errno.ENAMETOOLONG,
            peer.Ask(FUSE_LOOKUP, FUSE_ROOT_ID, Encoding.UTF8.GetBytes(new string('x', 300) + "\0")).Errno);

        // An interrupt of what is over, or never was, is no request and gets no answer.
        peer.Send(FUSE_INTERRUPT, 0, new byte[8]);
        Assert.Equal(Errno.None, peer.Ask(FUSE_DESTROY, 0, []).Errno);
    }

    public static TheoryData<string, int, byte[], int> Malformed => new()
    {
        { "longer than it says", FUSE_GETATTR, new byte[16], -8 },
        { "shorter than it says", FUSE_GETATTR, new byte[16], 8 },
        { "no argument", FUSE_GETATTR, new byte[8], 0 },
        { "no end of a name", FUSE_LOOKUP, "abc"u8.ToArray(), 0 },
        { "no name", FUSE_LOOKUP, new byte[1], 0 },
        { "a path", FUSE_LOOKUP, "a/b\0"u8.ToArray(), 0 },
        { "the parent", FUSE_LOOKUP, "..\0"u8.ToArray(), 0 },
        { "itself", FUSE_UNLINK, ".\0"u8.ToArray(), 0 },
        { "one name of two", FUSE_RENAME2, [.. new byte[16], .. "a\0"u8], 0 },
        { "fewer than it says", FUSE_BATCH_FORGET, [100, .. new byte[23]], 0 },
        { "less data than it says", FUSE_WRITE, [.. new byte[16], 100, .. new byte[23]], 0 },
        { "a second beginning", FUSE_INIT, new byte[64], 0 },
    };

    [Theory]
    [MemberData(nameof(Malformed))]
    public void A_malformed_request_ends_the_mount(string what, int opcode, byte[] body, int longer)
    {
        using FusePeer peer = New();
        peer.Begin(45, Everything);
        peer.Send(opcode, FUSE_ROOT_ID, body, longer);
        Assert.Equal(FuseEnd.Malformed, peer.Await());
        Assert.Empty(peer.Receive());
        Assert.NotEmpty(what);
    }

    [Fact]
    public void A_request_before_the_beginning_ends_the_mount()
    {
        using FusePeer peer = New();
        peer.Send(FUSE_GETATTR, FUSE_ROOT_ID, new byte[16]);
        Assert.Equal(FuseEnd.Malformed, peer.Await());
    }

    /// <summary>Garbage by a seed: it answers or ends, and the file beside stays as it is.</summary>
    [Fact]
    public void Garbage_is_answered_or_ends_the_mount()
    {
        const int mounts = 60;
        var random = new Random(7);
        for (int i = 0; i < mounts; i++)
        {
            using var peer = new FusePeer(_directory, FuseMode.ReadOnly, new PlainRule { Access = ViewAccess.ReadOnly });
            peer.Begin(45, Everything);
            for (int n = 0; n < 40; n++)
            {
                byte[] body = new byte[random.Next(0, 100)];
                random.NextBytes(body.AsSpan(0, random.Next(body.Length + 1)));
                int opcode = random.Next(1, 56);
                if (opcode is FUSE_FORGET or FUSE_BATCH_FORGET or FUSE_INTERRUPT)
                {
                    continue;
                }

                peer.Send(opcode, random.Next(4) == 0 ? (ulong)random.Next(5) : FUSE_ROOT_ID, body);
                if (peer.Receive().Length == 0)
                {
                    break;
                }
            }
        }

        Assert.Equal("text", File.ReadAllText(_directory + "/a"));
        Assert.Equal(2, Directory.GetFileSystemEntries(_directory).Length);
    }

    private FusePeer New(FuseMode mode = FuseMode.Ordinary) =>
        new(_directory, mode, new PlainRule { Access = ViewAccess.ReadWrite });

    private static int Take(FusePeer peer, HashSet<ulong> waiting)
    {
        byte[] answer = peer.Receive();
        Assert.True(waiting.Remove(BinaryPrimitives.ReadUInt64LittleEndian(answer.AsSpan(8))));
        return BinaryPrimitives.ReadInt32LittleEndian(answer.AsSpan(4)) == -(int)Errno.EIO ? 1 : 0;
    }

    private static unsafe void TakeBack(FuseFiles files, FuseReply reply, int opcode, byte[] body)
    {
        byte[] bytes = new byte[sizeof(fuse_in_header) + body.Length];
        body.CopyTo(bytes, sizeof(fuse_in_header));
        fixed (byte* at = bytes)
        {
            *(fuse_in_header*)at = new()
            {
                len = (uint)bytes.Length,
                opcode = (uint)opcode,
                nodeid = FUSE_ROOT_ID,
                uid = (uint)LibC.Posix.GetEffectiveUser(),
                gid = (uint)LibC.Posix.GetEffectiveGroup(),
            };
            var request = new FuseRequest(at, bytes.Length);
            reply.Reset();
            Assert.Equal(Errno.None, files.Serve(ref request, reply));
        }

        Assert.True(files.Tree.Count > 1);
        files.TakeBack(reply);
    }

    private static byte[] Reading(ulong handle, ulong offset, int size)
    {
        byte[] body = new byte[40];
        BinaryPrimitives.WriteUInt64LittleEndian(body, handle);
        BinaryPrimitives.WriteUInt64LittleEndian(body.AsSpan(8), offset);
        BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(16), size);
        return body;
    }

    private static byte[] Releasing(ulong handle)
    {
        byte[] body = new byte[24];
        BinaryPrimitives.WriteUInt64LittleEndian(body, handle);
        return body;
    }

    private static byte[] Creating()
    {
        byte[] body = new byte[16];
        BinaryPrimitives.WriteInt32LittleEndian(body, O_RDWR | O_CREAT);
        BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(4), S_IFREG | 0x1a4);
        return body;
    }

    private static byte[] Forgets(params (ulong Node, ulong Lookups)[] all)
    {
        byte[] body = new byte[8 + (16 * all.Length)];
        BinaryPrimitives.WriteInt32LittleEndian(body, all.Length);
        for (int i = 0; i < all.Length; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(body.AsSpan(8 + (16 * i)), all[i].Node);
            BinaryPrimitives.WriteUInt64LittleEndian(body.AsSpan(16 + (16 * i)), all[i].Lookups);
        }

        return body;
    }

    private sealed class PlainRule : ViewRule
    {
        public override ViewRule Child(ReadOnlySpan<byte> name) => this;
    }

    private sealed class FailingRule : ViewRule
    {
        private readonly PlainRule _plain = new() { Access = ViewAccess.ReadWrite };

        public override ViewRule Child(ReadOnlySpan<byte> name) =>
            name.SequenceEqual("failing"u8) ? throw new InvalidOperationException() : _plain;
    }
}
