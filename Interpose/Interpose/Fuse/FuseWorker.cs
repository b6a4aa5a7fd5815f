using System;
using System.Runtime.InteropServices;
using System.Threading;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Fuse;

/// <summary>
/// One thread that serves: a request is read, carried out and answered before the next. Its
/// buffers are made once.
/// </summary>
internal sealed unsafe class FuseWorker : IDisposable
{
    private const int Page = 4096;
    private const int Room = FuseAgreement.MostData + Page;
    private readonly FuseConnection _connection;
    private readonly FuseFiles _files;
    private readonly FuseServer _server;
    private readonly int _number;
    private readonly byte* _request;
    private ulong _unique;

    public FuseWorker(
        FuseServer server, FuseConnection connection, FuseFiles files, int number)
    {
        (_server, _connection, _files, _number) = (server, connection, files, number);

        // SAFETY: freed by Dispose.
        _request = (byte*)NativeMemory.AlignedAlloc(Room, Page);
        Reply = new(FuseAgreement.MostData + Page);
    }

    /// <summary>The answer that it makes.</summary>
    public FuseReply Reply { get; }

    /// <summary>Its thread; 0 while it does not run.</summary>
    public int Tid { get; private set; }

    /// <summary>Bytes that the collector gave it while it served, for a test to look at.</summary>
    public long Allocated { get; private set; }

    /// <summary>Serves until the mount ends.</summary>
    public void Run()
    {
        Tid = Posix.GetTid();
        int queue = _connection.QueueOf(_number);
        long before = GC.GetAllocatedBytesForCurrentThread();
        while (_connection.Read(queue, _request, Room) is int length and > 0)
        {
            Serve(queue, length);
            Allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Tid = 0;
    }

    /// <summary>Whether it was this worker that has the request, which shall end early.</summary>
    public bool TryInterrupt(ulong unique)
    {
        bool has = Volatile.Read(ref _unique) == unique;
        Reply.IsInterrupted |= has;
        return has;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Reply.Dispose();
        NativeMemory.AlignedFree(_request);
    }

    private void Serve(int queue, int length)
    {
        try
        {
            var request = new FuseRequest(_request, length);
            ulong unique = request.Header->unique;
            switch ((int)request.Header->opcode)
            {
                case FUSE_FORGET:
                    _files.Tree.Forget(
                        request.Header->nodeid, request.Take<fuse_forget_in>()->nlookup);
                    return;
                case FUSE_BATCH_FORGET:
                    ForgetAll(ref request);
                    return;
                case FUSE_INTERRUPT:
                    _server.Interrupt(request.Take<fuse_interrupt_in>()->unique);
                    return;
                case FUSE_INIT:
                    Negotiate(queue, ref request);
                    return;
                case FUSE_DESTROY:
                    Reply.Reset();
                    _connection.Send(queue, Reply.Finish(unique, Errno.None));
                    return;
                default:
                    Answer(queue, ref request);
                    return;
            }
        }
        catch (MalformedRequestException)
        {
            _connection.End(FuseEnd.Malformed);
        }
    }

    /// <summary>Carries out a request and answers it, once: an error of ours answers EIO.</summary>
    private void Answer(int queue, ref FuseRequest request)
    {
        ulong unique = request.Header->unique;
        if (_connection.Agreement is null)
        {
            throw new MalformedRequestException("a request before FUSE_INIT");
        }

        Reply.Reset();
        Reply.IsInterrupted = false;
        Volatile.Write(ref _unique, unique);
        Errno errno = Errno.EIO;
        try
        {
            errno = _files.Serve(ref request, Reply);
        }
        catch (Exception e) when (e is InvalidOperationException or OutOfMemoryException)
        {
            _files.TakeBack(Reply);
            Reply.Reset();
        }

        Volatile.Write(ref _unique, 0);
        if (!_connection.Send(queue, Reply.Finish(unique, errno)) && errno == Errno.None)
        {
            _files.TakeBack(Reply);
        }
    }

    private void ForgetAll(ref FuseRequest request)
    {
        uint count = request.Take<fuse_batch_forget_in>()->count;
        for (uint i = 0; i < count; i++)
        {
            fuse_forget_one* one = request.Take<fuse_forget_one>();
            _files.Tree.Forget(one->nodeid, one->nlookup);
        }
    }

    private void Negotiate(int queue, ref FuseRequest request)
    {
        // Before 7.36 the offer was shorter: what is lacking is zero.
        fuse_init_in asked = default;
        uint length = request.Header->len - (uint)sizeof(fuse_in_header);
        length = Math.Min(length, (uint)sizeof(fuse_init_in));
        Buffer.MemoryCopy(
            request.TakeBytes(length), &asked, sizeof(fuse_init_in), length);
        Reply.Reset();
        if (_connection.Agreement is not null)
        {
            throw new MalformedRequestException("FUSE_INIT for the second time");
        }

        FuseAgreement? agreement = _server.Negotiate(asked, out fuse_init_out said);
        bool goesOn = said.major != 0;
        *Reply.Add<fuse_init_out>() = said;
        _connection.Agreement = agreement;
        _connection.Send(
            queue, Reply.Finish(request.Header->unique, goesOn ? Errno.None : Errno.EPROTO));
        if (!goesOn)
        {
            _connection.End(FuseEnd.Failed);
        }
        else if (agreement is not null)
        {
            _server.StartOthers();
        }
    }
}
