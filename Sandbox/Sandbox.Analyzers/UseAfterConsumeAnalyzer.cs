using System.Collections.Generic;
using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Sandbox.Analyzers;

/// <summary>
/// Move semantics for parameters marked <c>[Consumes]</c>: what was given to one may not be used
/// again, on any path.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class UseAfterConsumeAnalyzer : DiagnosticAnalyzer
{
    private const string Category = "Ownership";

    /// <summary>A variable is used after it was consumed.</summary>
    public static readonly DiagnosticDescriptor UsedAfterwards = new(
        "SBX001", "A consumed value is used", "'{0}' was consumed before and may not be used",
        Category, DiagnosticSeverity.Error, isEnabledByDefault: true);

    /// <summary>Something that others can reach is consumed.</summary>
    public static readonly DiagnosticDescriptor SharedPlace = new(
        "SBX002", "A shared place is consumed",
        "'{0}' is consumed where others can still reach it; move it to a local first",
        Category, DiagnosticSeverity.Error, isEnabledByDefault: true);

    /// <summary>A consumed variable is captured by a function.</summary>
    public static readonly DiagnosticDescriptor Captured = new(
        "SBX003", "A consumed value is captured",
        "'{0}' is consumed in this method and may not be captured by a function",
        Category, DiagnosticSeverity.Error, isEnabledByDefault: true);

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } =
        ImmutableArray.Create(UsedAfterwards, SharedPlace, Captured);

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.EnableConcurrentExecution();
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.RegisterOperationBlockAction(Analyze);
    }

    private static void Analyze(OperationBlockAnalysisContext context)
    {
        foreach (IOperation block in context.OperationBlocks)
        {
            HashSet<ISymbol> consumed = FindConsumed(block, context);
            if (consumed.Count > 0)
            {
                ReportCaptures(block, consumed, context);
                if (block is IBlockOperation or IMethodBodyBaseOperation)
                {
                    var flow = new ConsumeFlow(context.GetControlFlowGraph(block));
                    flow.Report(context.ReportDiagnostic);
                }
            }
        }
    }

    /// <summary>The variables that are consumed anywhere; reports what is no variable.</summary>
    private static HashSet<ISymbol> FindConsumed(
        IOperation block, OperationBlockAnalysisContext context)
    {
        var consumed = new HashSet<ISymbol>(SymbolEqualityComparer.Default);
        foreach (IOperation operation in block.DescendantsAndSelf())
        {
            if (operation is not IArgumentOperation argument || !Consuming.IsMarked(argument))
            {
                continue;
            }

            IOperation value = Consuming.Strip(argument.Value);
            if (Consuming.VariableOf(value) is { } variable)
            {
                consumed.Add(variable);
            }
            else if (value is IMemberReferenceOperation or IArrayElementReferenceOperation)
            {
                context.ReportDiagnostic(Diagnostic.Create(
                    SharedPlace, value.Syntax.GetLocation(), value.Syntax.ToString()));
            }
        }

        return consumed;
    }

    private static void ReportCaptures(
        IOperation block, HashSet<ISymbol> consumed, OperationBlockAnalysisContext context)
    {
        foreach (IOperation operation in block.DescendantsAndSelf())
        {
            if (operation is not (IAnonymousFunctionOperation or ILocalFunctionOperation))
            {
                continue;
            }

            foreach (IOperation inner in operation.Descendants())
            {
                if (Consuming.VariableOf(inner) is { } variable && consumed.Contains(variable)
                    && !IsDeclaredIn(variable, operation))
                {
                    context.ReportDiagnostic(Diagnostic.Create(
                        Captured, inner.Syntax.GetLocation(), variable.Name));
                }
            }
        }
    }

    private static bool IsDeclaredIn(ISymbol variable, IOperation function)
    {
        foreach (SyntaxReference declaration in variable.DeclaringSyntaxReferences)
        {
            if (function.Syntax.Span.Contains(declaration.Span)
                && function.Syntax.SyntaxTree == declaration.SyntaxTree)
            {
                return true;
            }
        }

        return false;
    }
}
