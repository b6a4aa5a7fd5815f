using Interpose.Launch;

namespace Sandbox;

internal static class Program
{
    /// <summary>What any run has allocated when its command begins.</summary>
    private const int UsualHeap = 160 * 1024;

    private static int Main(string[] args)
    {
        HeapRoom.Populate(UsualHeap);
        return Commands.CommandLine.Invoke(args);
    }
}
