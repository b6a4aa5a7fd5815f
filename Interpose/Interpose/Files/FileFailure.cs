using System;
using System.Diagnostics.CodeAnalysis;
using Interpose.Abi;

namespace Interpose.Files;

/// <summary>A call on a file failed.</summary>
[SuppressMessage("Design", "CA1032", Justification = "It says what failed, on what, and how.")]
public sealed class FileFailure : Exception
{
    /// <summary>Says it.</summary>
    /// <param name="what">What was tried, such as <c>open</c>.</param>
    /// <param name="path">On what, as bytes.</param>
    /// <param name="errno">How it failed.</param>
    public FileFailure(string what, ReadOnlySpan<byte> path, Errno errno)
        : base($"{what} {PathText.Show(path)}: {errno.Describe()}") =>
        (What, Path, Errno) = (what, PathText.Show(path), errno);

    /// <summary>What was tried.</summary>
    public string What { get; }

    /// <summary>On what, in one line.</summary>
    public string Path { get; }

    /// <summary>How it failed.</summary>
    public Errno Errno { get; }
}
