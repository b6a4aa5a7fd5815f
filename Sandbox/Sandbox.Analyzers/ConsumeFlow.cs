using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.FlowAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace Sandbox.Analyzers;

/// <summary>
/// Forward data flow over one control flow graph: which variables may have been consumed before
/// each operation.
/// </summary>
internal sealed class ConsumeFlow
{
    private static readonly ImmutableHashSet<ISymbol> Nothing =
        ImmutableHashSet.Create<ISymbol>(SymbolEqualityComparer.Default);

    private readonly ControlFlowGraph _graph;
    private readonly ImmutableHashSet<ISymbol>[] _before;
    private readonly Dictionary<CaptureId, ISymbol> _captures = new();
    private readonly HashSet<Location> _reported = new();
    private Action<Diagnostic>? _report;

    public ConsumeFlow(ControlFlowGraph graph)
    {
        _graph = graph;
        _before = new ImmutableHashSet<ISymbol>[graph.Blocks.Length];
        for (int i = 0; i < _before.Length; i++)
        {
            _before[i] = Nothing;
        }
    }

    /// <summary>Runs to the fixed point, then reports every use of a consumed variable.</summary>
    public void Report(Action<Diagnostic> report)
    {
        bool changed = true;
        while (changed)
        {
            changed = false;
            foreach (BasicBlock block in _graph.Blocks)
            {
                changed |= FlowOut(block, Run(block));
            }
        }

        _report = report;
        foreach (BasicBlock block in _graph.Blocks)
        {
            Run(block);
        }
    }

    private ImmutableHashSet<ISymbol> Run(BasicBlock block)
    {
        ImmutableHashSet<ISymbol> state = _before[block.Ordinal];
        foreach (IOperation operation in block.Operations)
        {
            state = Visit(operation, state);
        }

        return block.BranchValue is { } value ? Visit(value, state) : state;
    }

    private bool FlowOut(BasicBlock block, ImmutableHashSet<ISymbol> after)
    {
        bool changed = FlowTo(block.FallThroughSuccessor, after);
        changed |= FlowTo(block.ConditionalSuccessor, after);

        // Any operation of a try block may be its last: handlers start with all it may consume.
        for (ControlFlowRegion? region = block.EnclosingRegion; region is not null;
            region = region.EnclosingRegion)
        {
            if (region.Kind == ControlFlowRegionKind.Try)
            {
                foreach (ControlFlowRegion handler in region.EnclosingRegion!.NestedRegions)
                {
                    changed |= handler != region && Merge(handler.FirstBlockOrdinal, after);
                }
            }
        }

        return changed;
    }

    private bool FlowTo(ControlFlowBranch? branch, ImmutableHashSet<ISymbol> after)
    {
        if (branch?.Destination is not { } destination)
        {
            return false;
        }

        bool changed = Merge(destination.Ordinal, after);
        foreach (ControlFlowRegion passed in branch.FinallyRegions)
        {
            changed |= Merge(passed.FirstBlockOrdinal, after);
            BasicBlock last = _graph.Blocks[passed.LastBlockOrdinal];
            changed |= Merge(destination.Ordinal, Run(last));
        }

        return changed;
    }

    private bool Merge(int ordinal, ImmutableHashSet<ISymbol> state)
    {
        ImmutableHashSet<ISymbol> union = _before[ordinal].Union(state);
        bool changed = union.Count != _before[ordinal].Count;
        _before[ordinal] = union;
        return changed;
    }

    private ImmutableHashSet<ISymbol> Visit(IOperation operation, ImmutableHashSet<ISymbol> state)
    {
        switch (operation)
        {
            case INameOfOperation:
            case IFlowAnonymousFunctionOperation:
                return state;
            case ISimpleAssignmentOperation assignment
                when Consuming.VariableOf(assignment.Target) is { } target:
                return Visit(assignment.Value, state).Remove(target);
            case IFlowCaptureOperation capture:
                if (Consuming.VariableOf(Consuming.Strip(capture.Value)) is { } captured)
                {
                    _captures[capture.Id] = captured;
                }

                return Visit(capture.Value, state);
            case IArgumentOperation { Parameter.RefKind: RefKind.Out } output
                when Consuming.VariableOf(output.Value) is { } written:
                return state.Remove(written);
            case IDeclarationPatternOperation { DeclaredSymbol: { } declared }:
                return state.Remove(declared);
            case IRecursivePatternOperation { DeclaredSymbol: { } matched }:
                state = state.Remove(matched);
                break;
            default:
                break;
        }

        if (Consuming.VariableOf(operation) is { } used && state.Contains(used))
        {
            ReportUse(operation, used);
        }

        foreach (IOperation child in operation.ChildOperations)
        {
            state = Visit(child, state);
        }

        // What a call takes over is gone when all its arguments have been evaluated.
        return operation switch
        {
            IInvocationOperation call => Consume(call.Arguments, state),
            IObjectCreationOperation creation => Consume(creation.Arguments, state),
            _ => state,
        };
    }

    private ImmutableHashSet<ISymbol> Consume(
        ImmutableArray<IArgumentOperation> arguments, ImmutableHashSet<ISymbol> state)
    {
        foreach (IArgumentOperation argument in arguments)
        {
            if (!Consuming.IsMarked(argument))
            {
                continue;
            }

            IOperation value = Consuming.Strip(argument.Value);
            ISymbol? variable = Consuming.VariableOf(value);
            if (value is IFlowCaptureReferenceOperation reference)
            {
                _captures.TryGetValue(reference.Id, out variable);
            }

            if (variable is not null)
            {
                state = state.Add(variable);
            }
        }

        return state;
    }

    private void ReportUse(IOperation operation, ISymbol variable)
    {
        Location location = operation.Syntax.GetLocation();
        if (_report is not null && _reported.Add(location))
        {
            _report(Diagnostic.Create(
                UseAfterConsumeAnalyzer.UsedAfterwards, location, variable.Name));
        }
    }
}
