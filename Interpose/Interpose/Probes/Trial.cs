using System;
using Interpose.Abi;
using Interpose.Launch;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Probes;

/// <summary>How a trial came out.</summary>
/// <param name="Step">The call that failed; null when all went well.</param>
/// <param name="Errno">Its error; None where the child was killed or did not end.</param>
public readonly record struct TrialOutcome(string? Step, Errno Errno)
{
    /// <summary>Whether every call went well.</summary>
    public bool Ok => Step is null;

    /// <summary>The failure in words; empty when there is none.</summary>
    public override string ToString() => Step is null ? string.Empty
        : Errno == Errno.None ? Step : $"{Step}: {Errno.Describe()}";
}

/// <summary>
/// System calls that a child makes to find out whether this host allows them. What they change
/// ends with the child.
/// </summary>
/// <remarks>
/// The child is that of <see cref="LaunchPlan"/>. Its last call fails on purpose: a child that
/// was killed on its way there is not taken for one that got through.
/// </remarks>
public sealed unsafe class Trial : IDisposable
{
    private const string Last = "the end";
    private readonly LaunchPlan _plan = new();

    /// <summary>Opens a trial without any call.</summary>
    public Trial()
    {
        _plan.Add("prctl(PR_SET_PDEATHSIG)", "trial", __NR_prctl, PR_SET_PDEATHSIG, SIGKILL);
        _plan.AddWait();
    }

    /// <summary>Tries one call without memory of its own.</summary>
    public static TrialOutcome Of(string name, int number, params ReadOnlySpan<nint> arguments)
    {
        using var trial = new Trial();
        return trial.Call(name, number, arguments).Run();
    }

    /// <summary>Adds a call.</summary>
    public Trial Call(string name, int number, params ReadOnlySpan<nint> arguments) =>
        CallPassing(Errno.None, name, number, arguments);

    /// <summary>Adds a call of which one error is none here.</summary>
    public Trial CallPassing(
        Errno pass, string name, int number, params ReadOnlySpan<nint> arguments)
    {
        var words = new StepArgument[arguments.Length];
        for (int i = 0; i < words.Length; i++)
        {
            words[i] = arguments[i];
        }

        _plan.AddPassing(pass, name, string.Empty, number, words);
        return this;
    }

    /// <summary>Puts the child under a seccomp filter.</summary>
    public Trial Filter(ReadOnlySpan<sock_filter> code)
    {
        _plan.AddFilter(string.Empty, code);
        return this;
    }

    /// <summary>Text with a zero byte behind it, for an argument.</summary>
    public nint Text(string text) => _plan.Text(System.Text.Encoding.UTF8.GetBytes(text));

    /// <summary>A copy of some values, for an argument.</summary>
    /// <typeparam name="T">Their type.</typeparam>
    public nint Memory<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        nint memory = _plan.Allocate(values.Length * sizeof(T));
        values.CopyTo(new Span<T>((void*)memory, values.Length));
        return memory;
    }

    /// <summary>Creates the child, which waits before its first call.</summary>
    public Errno Hold(out HostTid child)
    {
        _plan.Add(Last, string.Empty, __NR_close, -1);
        return _plan.Start(out child);
    }

    /// <summary>Lets the held child make its calls.</summary>
    public void LetGo() => _plan.LetGo();

    /// <summary>Lets the held child go and waits for its end.</summary>
    public TrialOutcome End(HostTid child)
    {
        LetGo();
        return Outcome(Waiting.End(child));
    }

    /// <summary>How the child's calls came out; to be asked after its end.</summary>
    /// <param name="wait">How the wait for it ended.</param>
    public TrialOutcome Outcome(TrialWait wait) => _plan.Failure switch
    {
        { What: Last } => default,
        { } failure => new(failure.What, failure.Errno),
        null when wait == TrialWait.TooLong => new("it did not end in time", Errno.None),
        null => new("it was killed", Errno.None),
    };

    /// <summary>Makes the calls and waits for the child's end.</summary>
    public TrialOutcome Run()
    {
        Errno errno = Hold(out HostTid child);
        return errno == Errno.None ? End(child) : new("clone", errno);
    }

    /// <summary>Frees the memory; the child must have ended.</summary>
    public void Dispose() => _plan.Dispose();
}

/// <summary>How the wait for a child of a trial ended.</summary>
public enum TrialWait
{
    /// <summary>It ended by itself.</summary>
    Ended,

    /// <summary>It took too long and was killed.</summary>
    TooLong,
}
