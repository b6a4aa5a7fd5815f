using Conformance.Harness;

namespace Conformance;

/// <summary>A clone3 struct that changes while it is judged never gives what is denied.</summary>
[Collection("engine")]
public sealed class RacedStructTests
{
    [Theory]
    [InlineData("threads", "3000", "2000000")]
    [InlineData("process", "3000", "2000000")]
    [InlineData("vmwrite", "2000", "100000")]
    [InlineData("procmem", "2000", "100000")]
    [InlineData("file", "2000", "100000")]
    [InlineData("remap", "2000", "20000")]
    public void No_child_has_a_namespace_that_the_policy_denies(
        string who, string calls, string flips)
    {
        using var place = new Workplace();
        Outcome run = Product.Run(
            place, ["-q", "-p", "processes"], Guests.Escape("flipdeny"), who, calls, flips);
        Assert.Equal("calls 1, flips 1, made 1, denied 1, wrong 0\n", run.Out);
    }
}
