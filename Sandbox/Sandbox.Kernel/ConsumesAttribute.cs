using System;

namespace Sandbox.Kernel;

/// <summary>
/// Marks a parameter that takes its argument over: the caller may not use it afterwards. The
/// analyzer proves it at compile time; <see cref="Fork.Stage"/> checks it again when it runs.
/// </summary>
[AttributeUsage(AttributeTargets.Parameter)]
internal sealed class ConsumesAttribute : Attribute
{
}
