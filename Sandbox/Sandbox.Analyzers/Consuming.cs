using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace Sandbox.Analyzers;

/// <summary>What a consuming argument is, and which variable it names.</summary>
internal static class Consuming
{
    private const string AttributeName = "ConsumesAttribute";

    /// <summary>Whether the parameter of an argument takes it over.</summary>
    public static bool IsMarked(IArgumentOperation argument)
    {
        if (argument.Parameter is null)
        {
            return false;
        }

        foreach (AttributeData attribute in argument.Parameter.GetAttributes())
        {
            if (attribute.AttributeClass?.Name == AttributeName)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The value below conversions and parentheses.</summary>
    public static IOperation Strip(IOperation value)
    {
        while (true)
        {
            switch (value)
            {
                case IConversionOperation conversion:
                    value = conversion.Operand;
                    break;
                case IParenthesizedOperation parenthesized:
                    value = parenthesized.Operand;
                    break;
                default:
                    return value;
            }
        }
    }

    /// <summary>
    /// The local or parameter that an operation reads or writes; null for others.
    /// </summary>
    public static ISymbol? VariableOf(IOperation operation) => operation switch
    {
        ILocalReferenceOperation local => local.Local,
        IParameterReferenceOperation parameter => parameter.Parameter,
        _ => null,
    };
}
