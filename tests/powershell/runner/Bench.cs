// Bench.cs - what our commands add to opening a runspace and running a trivial script in it.
//
// Both sides take turns, so that what else happens on the machine meets both alike. Processor time is what the process used, not
// what the clock says; a busy machine stretches the clock only.

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Text.Json.Nodes;
using Reactions.PowerShell;

static class Bench
{
    sealed class Side(bool ours)
    {
        readonly BundledEngine _engine = new(ours);
        public readonly List<double> Open = [], Run = [];
        public double Processor;

        public void Turn(bool counts)
        {
            TimeSpan before = Environment.CpuUsage.TotalTime;
            long at = Stopwatch.GetTimestamp();
            using Runspace space = _engine.Open(new ScriptHost(), Path.GetTempPath());
            double open = Stopwatch.GetElapsedTime(at).TotalMilliseconds;
            using (PowerShell shell = PowerShell.Create(space))
                shell.AddScript("1").Invoke();
            if (!counts) return;
            Open.Add(open);
            Run.Add(Stopwatch.GetElapsedTime(at).TotalMilliseconds);
            Processor += (Environment.CpuUsage.TotalTime - before).TotalMilliseconds;
        }

        public JsonObject Figures() => new() { ["Open"] = Median(Open), ["Run"] = Median(Run), ["Processor"] = Math.Round(Processor / Run.Count, 2) };

        static double Median(List<double> all) => Math.Round(all.Order().ElementAt(all.Count / 2), 2);
    }

    public static JsonObject Compare(int runs)
    {
        Side with = new(true), without = new(false);
        for (int i = -runs / 2; i < runs; i++)    // the first turns warm the code up
        {
            with.Turn(i >= 0);
            without.Turn(i >= 0);
        }
        return new JsonObject { ["With"] = with.Figures(), ["Without"] = without.Figures(), ["Commands"] = CommandSet.Names.Count };
    }
}
