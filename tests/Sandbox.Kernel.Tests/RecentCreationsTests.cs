using System;
using System.Collections.Generic;
using Sandbox.Kernel.Tasks;

namespace Sandbox.Kernel.Tests;

/// <summary>The ring of the last second's creations, held against a list of them.</summary>
public sealed class RecentCreationsTests
{
    private const long Second = 1_000_000_000;

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 30)]
    [InlineData(3, 1000)]
    [InlineData(4, 100_000)]
    public void It_counts_as_a_list_would(int seed, int perSecond)
    {
        var random = new Random(seed);
        var ring = new RecentCreations();
        var list = new LinkedList<long>();
        var open = new List<(long Number, LinkedListNode<long> Node)>();
        long now = 0;
        for (int i = 0; i < 15_000; i++)
        {
            now += random.Next(500) == 0 ? random.NextInt64(2 * Second)
                : random.NextInt64(2 * Second / perSecond);
            switch (random.Next(4))
            {
                case < 2:
                    open.Add((ring.Add(now), list.AddLast(now)));
                    break;
                case 2 when open.Count > 0:
                    int at = random.Next(2) == 0 ? open.Count - 1 : random.Next(open.Count);
                    ring.Forget(open[at].Number);
                    if (open[at].Node.List == list)
                    {
                        list.Remove(open[at].Node);
                    }

                    open.RemoveAt(at);
                    break;
                case 3 when open.Count > 0:
                    // It happened.
                    open.RemoveAt(random.Next(open.Count));
                    break;
            }

            if (random.Next(3) > 0)
            {
                while (list.First is { } oldest && now - oldest.Value >= Second)
                {
                    list.RemoveFirst();
                }

                Assert.Equal(list.Count, ring.CountAt(now));
            }
        }
    }

    [Fact]
    public void What_comes_to_nothing_does_not_make_it_grow()
    {
        var ring = new RecentCreations();
        int room = ring.Room;
        ring.Add(0);
        for (int i = 0; i < 1000; i++)
        {
            long one = ring.Add(i);
            long other = ring.Add(i);
            ring.Forget(one);
            ring.Forget(other);
            Assert.Equal(1, ring.CountAt(i));
        }

        Assert.Equal(room, ring.Room);
    }
}
