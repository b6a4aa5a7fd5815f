using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Threading;
using Interpose.Abi;
using Interpose.LibC;

namespace Interpose.Cgroups;

/// <summary>
/// A scope of systemd's for this process, delegated to it, where it may make groups:
/// org.freedesktop.systemd1(5), StartTransientUnit. It goes when the last process in it ends.
/// </summary>
/// <remarks>
/// The manager of this user is asked at its own socket, as systemctl(1) asks it: one call of the
/// D-Bus specification, without a bus, a library or a program in between.
/// </remarks>
public static class SystemdScope
{
    private const string Manager = "org.freedesktop.systemd1";
    private const int HeaderSize = 16;
    private const byte MethodCall = 1;
    private const byte MethodReturn = 2;
    private const byte Error = 3;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Moves this process into a scope of its own; within five seconds.</summary>
    /// <param name="name">Its name, without the suffix.</param>
    /// <returns>
    /// Null when it stands there; else why it does not, empty where nobody answers.
    /// </returns>
    public static string? Enter(string name)
    {
        if (Sockets.Connect(SocketOf(Posix.GetEffectiveUser()), out int socket) != Errno.None)
        {
            return string.Empty;
        }

        try
        {
            Sockets.LimitReads(socket, (int)Patience.TotalSeconds);
            return Ask(socket, name + ".scope") ?? Await(name + ".scope");
        }
        finally
        {
            Posix.Close(socket);
        }
    }

    private static string SocketOf(int user)
    {
        string? runtime = Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR");
        string directory = user == 0 ? "/run"
            : string.IsNullOrEmpty(runtime)
                ? string.Create(CultureInfo.InvariantCulture, $"/run/user/{user}") : runtime;
        return directory + "/systemd/private";
    }

    private static string? Ask(int socket, string unit)
    {
        const string silent = "it did not answer";
        string user = Posix.GetEffectiveUser().ToString(CultureInfo.InvariantCulture);
        string hex = Convert.ToHexString(Encoding.ASCII.GetBytes(user));
        if (!Send(socket, Encoding.ASCII.GetBytes($"\0AUTH EXTERNAL {hex}\r\n"))
            || !Line(socket).StartsWith("OK ", StringComparison.Ordinal)
            || !Send(socket, "BEGIN\r\n"u8) || !Send(socket, Call(unit)))
        {
            return silent;
        }

        // Others than the answer are signals.
        const int most = 100;
        for (int i = 0; i < most && Message(socket, out byte type, out byte[] body); i++)
        {
            if (type is MethodReturn or Error)
            {
                return type == MethodReturn ? null : Text(body);
            }
        }

        return silent;
    }

    /// <summary>The job is done when the kernel says so.</summary>
    private static string? Await(string unit)
    {
        const int pause = 5;
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < Patience)
        {
            if (CgroupTree.Read().Unified?.EndsWith("/" + unit, StringComparison.Ordinal) == true)
            {
                return null;
            }

            Thread.Sleep(pause);
        }

        return "it did not move this process in time";
    }

    /// <summary>
    /// StartTransientUnit(name, mode, properties, auxiliary units): <c>ssa(sv)a(sa(sv))</c>.
    /// </summary>
    private static byte[] Call(string unit)
    {
        var body = new DBusText();
        body.String(unit);
        body.String("fail");
        body.Array(8, list =>
        {
            list.Property("PIDs", "au", v => v.Array(4, a => a.Number((uint)Posix.GetPid())));
            list.Property("Delegate", "b", v => v.Number(1));
            list.Property("CollectMode", "s", v => v.String("inactive-or-failed"));
        });
        body.Array(8, _ => { });

        var call = new DBusText();
        call.Bytes([(byte)'l', MethodCall, 0, 1]);
        call.Number((uint)body.Length);
        call.Number(1);
        call.Array(8, fields =>
        {
            fields.Field(1, "o", v => v.String("/org/freedesktop/systemd1"));
            fields.Field(2, "s", v => v.String(Manager + ".Manager"));
            fields.Field(3, "s", v => v.String("StartTransientUnit"));
            fields.Field(6, "s", v => v.String(Manager));
            fields.Field(8, "g", v => v.Signature("ssa(sv)a(sa(sv))"));
        });
        call.Align(8);
        return [.. call.Written, .. body.Written];
    }

    private static bool Message(int socket, out byte type, out byte[] body)
    {
        const int most = 64 * 1024;
        (type, body) = (0, []);
        byte[] header = Receive(socket, HeaderSize);
        if (header.Length < HeaderSize || header[0] != (byte)'l')
        {
            return false;
        }

        type = header[1];
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(4));
        uint fields = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(12));
        uint padded = (fields + 7) & ~7u;
        if (length > most || padded > most)
        {
            return false;
        }

        bool whole = Receive(socket, (int)padded).Length == padded;
        body = Receive(socket, (int)length);
        return whole && body.Length == length;
    }

    /// <summary>The first string of a body.</summary>
    private static string Text(byte[] body)
    {
        uint length = body.Length < 4 ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(body);
        return length > body.Length - 4 ? "an error"
            : Encoding.UTF8.GetString(body, 4, (int)length);
    }

    private static string Line(int socket)
    {
        const int most = 256;
        var line = new List<byte>();
        while (line.Count < most && Receive(socket, 1) is [var one] && one != (byte)'\n')
        {
            line.Add(one);
        }

        return Encoding.ASCII.GetString([.. line]);
    }

    private static byte[] Receive(int socket, int count)
    {
        byte[] bytes = new byte[count];
        int filled = 0;
        while (filled < count
            && Posix.Read(socket, bytes.AsSpan(filled), out int read) == Errno.None && read > 0)
        {
            filled += read;
        }

        return bytes[..filled];
    }

    private static bool Send(int socket, ReadOnlySpan<byte> bytes) =>
        Streams.WriteAll(socket, bytes) == Errno.None;

    /// <summary>
    /// Values in the form of the D-Bus specification, "Marshaling (Wire Format)".
    /// </summary>
    private sealed class DBusText
    {
        private readonly List<byte> _bytes = [];

        public int Length => _bytes.Count;

        public IReadOnlyList<byte> Written => _bytes;

        public void Bytes(ReadOnlySpan<byte> bytes) => _bytes.AddRange(bytes);

        public void Align(int to)
        {
            while (_bytes.Count % to != 0)
            {
                _bytes.Add(0);
            }
        }

        public void Number(uint value)
        {
            Align(4);
            Span<byte> bytes = stackalloc byte[4];
            BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
            _bytes.AddRange(bytes);
        }

        public void String(string text)
        {
            Number((uint)Encoding.UTF8.GetByteCount(text));
            _bytes.AddRange(Encoding.UTF8.GetBytes(text));
            _bytes.Add(0);
        }

        public void Signature(string text)
        {
            _bytes.Add((byte)text.Length);
            _bytes.AddRange(Encoding.ASCII.GetBytes(text));
            _bytes.Add(0);
        }

        /// <summary>Its length does not count what aligns the first element.</summary>
        public void Array(int alignment, Action<DBusText> elements)
        {
            Number(0);
            int at = _bytes.Count - 4;
            Align(alignment);
            int begin = _bytes.Count;
            elements(this);
            Span<byte> length = stackalloc byte[4];
            BinaryPrimitives.WriteUInt32LittleEndian(length, (uint)(_bytes.Count - begin));
            for (int i = 0; i < length.Length; i++)
            {
                _bytes[at + i] = length[i];
            }
        }

        public void Property(string name, string type, Action<DBusText> value)
        {
            Align(8);
            String(name);
            Signature(type);
            value(this);
        }

        public void Field(byte code, string type, Action<DBusText> value)
        {
            Align(8);
            _bytes.Add(code);
            Signature(type);
            value(this);
        }
    }
}
