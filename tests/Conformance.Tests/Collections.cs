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
