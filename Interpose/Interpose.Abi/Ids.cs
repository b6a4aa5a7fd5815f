using System.Globalization;

namespace Interpose.Abi;

/// <summary>A task's id in the supervisor's pid namespace: gettid(2).</summary>
public readonly record struct HostTid(int Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
