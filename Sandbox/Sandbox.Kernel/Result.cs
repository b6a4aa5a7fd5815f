using System.Diagnostics.CodeAnalysis;
using Interpose.Abi;
using Policies;

namespace Sandbox.Kernel;

/// <summary>Who said no.</summary>
public enum RefusedBy
{
    /// <summary>A rule of the kernel's own, found by stage 1.</summary>
    KernelRule,

    /// <summary>The policy.</summary>
    Policy,

    /// <summary>A limit of the policy that is used up.</summary>
    Limit,

    /// <summary>The engine cannot carry this call.</summary>
    Engine,

    /// <summary>Set-up of a resource failed.</summary>
    Setup,

    /// <summary>The kernel itself, when it ran the call.</summary>
    Kernel,
}

/// <summary>Why a creation does not happen, and what the guest is told.</summary>
/// <param name="Errno">What the guest's call returns.</param>
/// <param name="By">Who refused.</param>
/// <param name="Rule">The rule, key or step that decided, for reports.</param>
/// <param name="Origin">Where the policy set that key; null when it was no policy.</param>
/// <param name="Decisive">The flags that made a policy refuse; 0 when it was no flag.</param>
public readonly record struct Refusal(
    Errno Errno, RefusedBy By, string Rule, Origin? Origin = null, ulong Decisive = 0)
{
    /// <summary>A refusal by the policy.</summary>
    public static Refusal Of(in CreationDecision denial) =>
        new(denial.Errno, RefusedBy.Policy, denial.Key, denial.Origin, denial.Decisive);
}

/// <summary>
/// A value, or the refusal that stands in its place. Never thrown, always returned.
/// </summary>
/// <typeparam name="T">The value's type.</typeparam>
public readonly struct Result<T>
    where T : class
{
    private readonly T? _value;
    private readonly Refusal _refusal;

    private Result(T? value, Refusal refusal) => (_value, _refusal) = (value, refusal);

    /// <summary>Wraps a value.</summary>
    public static implicit operator Result<T>(T value) => new(value, default);

    /// <summary>Wraps a refusal.</summary>
    public static implicit operator Result<T>(Refusal refusal) => new(null, refusal);

    /// <summary>Gives the value, or the refusal when it gives false.</summary>
    public bool TryGet([NotNullWhen(true)] out T? value, out Refusal refusal)
    {
        (value, refusal) = (_value, _refusal);
        return value is not null;
    }
}
