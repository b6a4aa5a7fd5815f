namespace Conformance;

/// <summary>Tests of real programs; one after the other.</summary>
[CollectionDefinition("programs")]
public sealed class ProgramCollection
{
}

/// <summary>Tests of the engine under load; one after the other.</summary>
[CollectionDefinition("engine")]
public sealed class EngineCollection
{
}

/// <summary>Tests under stress; one after the other, and beside no other test.</summary>
[CollectionDefinition("stress", DisableParallelization = true)]
public sealed class StressCollection
{
}
