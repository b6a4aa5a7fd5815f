namespace Policies.Files;

/// <summary>
/// One key of a policy: all that the reader, the schema and the reference know of it.
/// </summary>
/// <param name="Name">Its dotted name.</param>
/// <param name="Kind">What it takes.</param>
/// <param name="Default">What holds when no layer sets it, in words.</param>
/// <param name="Example">A value, as YAML.</param>
/// <param name="Description">What it does.</param>
/// <param name="Apply">Lays a value that was read over the draft.</param>
internal sealed record PolicyKey(
    string Name,
    ValueKind Kind,
    string Default,
    string Example,
    string Description,
    PolicyKey.Layer Apply)
{
    /// <summary>Lays a value over a draft.</summary>
    public delegate void Layer(PolicyDraft draft, object value, PolicyNode node);

    /// <summary>The key <c>because</c> of a section.</summary>
    public static PolicyKey Because(
        string section, string example = "the tests make user namespaces") => new(
        section + ".because", new TextKind(1000), "none", example,
        "Why a dangerous grant is needed; 'sandbox policy check' asks for it.", Kept);

    /// <summary>For a value that decides nothing: listings show it.</summary>
    public static void Kept(PolicyDraft draft, object value, PolicyNode node)
    {
    }
}
