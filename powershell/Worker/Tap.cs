// Tap.cs - a collection that the engine writes to and that keeps nothing: what flows in goes to a function at once, on the
// thread and at the moment the script wrote it.

using System;
using System.Management.Automation;

namespace Reactions.PowerShell;

internal sealed class Tap<T> : PSDataCollection<T>
{
    public Tap(Action<T> take) => DataAdded += (_, _) => {
        foreach (T item in ReadAll())
            take(item);
    };
}
