// RunIdentity.cs - what every frame of a run carries, given back unread.

namespace Reactions.PowerShell;

internal sealed record RunIdentity(string RunId, long Fence)
{
    public JsonText Begin(JsonText frame, string type) =>
        frame.BeginObject().Name("Type").Value(type).Name("RunId").Value(RunId).Name("Fence").Value(Fence);

    public bool IsIn(System.Text.Json.JsonElement frame) => frame.TextOf("RunId") == RunId && frame.NumberOf("Fence", -1) == Fence;
}
