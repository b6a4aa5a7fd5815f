using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;
using Interpose.Abi;
using Interpose.Fuse;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Tests.Fuse;

/// <summary>
/// The other end of a server's device, in the kernel's place: it can say what no kernel says. Each
/// packet is one request or answer, as each read(2) and write(2) of /dev/fuse is.
/// </summary>
internal sealed unsafe class FusePeer : IDisposable
{
    private const int Header = 40;
    private const int Seconds = 10;
    private readonly Thread _thread;
    private readonly int _fd;
    private readonly int _root;
    private ulong _unique;

    public FusePeer(string directory, FuseMode mode, ViewRule rule)
    {
        Assert.Equal(Errno.None, Sockets.Pair(out int device, out _fd));
        Assert.Equal(Errno.None, Sockets.LimitReads(_fd, Seconds));
        Assert.Equal(Errno.None, Posix.Open(directory, O_PATH | O_DIRECTORY, out _root));
        Server = new(device, new() { Root = _root, Rule = rule, Mode = mode, Workers = 2 });
        _thread = new(() =>
        {
            long before = Native.Quick(__NR_umask, 0x12);
            End = Server.Run();
            Server.Dispose();
            Native.Quick(__NR_umask, (nint)before);
        });
        _thread.Start();
    }

    public FuseServer Server { get; }

    /// <summary>How it ended.</summary>
    public FuseEnd? End { get; private set; }

    /// <summary>Sends a request; its number.</summary>
    public ulong Send(int opcode, ulong node, ReadOnlySpan<byte> body, int longer = 0)
    {
        byte[] bytes = new byte[Header + body.Length];
        _unique += 2;
        BinaryPrimitives.WriteInt32LittleEndian(bytes, bytes.Length + longer);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), opcode);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8), _unique);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(16), node);
        body.CopyTo(bytes.AsSpan(Header));
        Assert.Equal(Errno.None, Posix.Write(_fd, bytes, out _));
        return _unique;
    }

    /// <summary>The next answer; empty where the server has closed its end.</summary>
    public byte[] Receive()
    {
        byte[] bytes = new byte[64 * 1024];
        Errno errno = Posix.Read(_fd, bytes, out int length);
        Assert.True(errno is Errno.None or Errno.ECONNRESET, $"{errno}");
        return bytes[..length];
    }

    /// <summary>Sends and receives: the error, and what was said.</summary>
    public (Errno Errno, byte[] Body) Ask(int opcode, ulong node, ReadOnlySpan<byte> body)
    {
        ulong unique = Send(opcode, node, body);
        byte[] answer = Receive();
        Assert.True(answer.Length >= 16, "no answer");
        Assert.Equal(answer.Length, BinaryPrimitives.ReadInt32LittleEndian(answer));
        Assert.Equal(unique, BinaryPrimitives.ReadUInt64LittleEndian(answer.AsSpan(8)));
        return ((Errno)(-BinaryPrimitives.ReadInt32LittleEndian(answer.AsSpan(4))), answer[16..]);
    }

    /// <summary>FUSE_INIT as a kernel of some version sends it.</summary>
    public (Errno Errno, fuse_init_out Said) Begin(uint minor, ulong flags, uint major = FUSE_KERNEL_VERSION)
    {
        var asked = new fuse_init_in
        {
            major = major,
            minor = minor,
            max_readahead = 131072,
            flags = (uint)flags,
            flags2 = (uint)(flags >> 32),
        };
        (Errno errno, byte[] body) = Ask(FUSE_INIT, 0, MemoryMarshal.AsBytes(new Span<fuse_init_in>(ref asked)));
        return (errno, body.Length == 0 ? default : MemoryMarshal.Read<fuse_init_out>(body));
    }

    public (Errno Errno, ulong Node) Lookup(string name)
    {
        (Errno errno, byte[] body) = Ask(FUSE_LOOKUP, FUSE_ROOT_ID, Encoding.UTF8.GetBytes(name + "\0"));
        return (errno, body.Length == 0 ? 0 : BinaryPrimitives.ReadUInt64LittleEndian(body));
    }

    public void Forget(ulong node, ulong lookups)
    {
        byte[] body = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(body, lookups);
        Send(FUSE_FORGET, node, body);
    }

    /// <summary>Waits for the server's end.</summary>
    public FuseEnd? Await()
    {
        Assert.True(_thread.Join(Seconds * 1000));
        return End;
    }

    public void Dispose()
    {
        Posix.Close(_fd);
        Assert.True(_thread.Join(Seconds * 1000));
        Posix.Close(_root);
    }
}
