// Output.cs - the objects a script wrote to the pipeline, as a JSON array of bounded size.
//
// Each is written down when it comes, so that a script that writes for ever fills nothing but its bound.

using System.Text;

namespace Reactions.PowerShell;

internal sealed class Output(int maximumBytes)
{
    const int MaximumItems = 100_000;

    readonly JsonText json = new() { Maximum = maximumBytes - 1 };
    int items;

    public bool IsTruncated { get; private set; }

    public void Add(object value)
    {
        if (IsTruncated)
            return;
        if (items == 0)
            json.BeginArray();
        int length = json.Length;
        bool isFirst = json.IsFirst;
        try
        {
            if (items == MaximumItems)
                throw new TooLongException();
            ToJson.Write(json, value);
            items++;
        }
        catch (TooLongException)
        {
            IsTruncated = true;
            json.CutTo(length, isFirst);
            AddBeginning(value);
        }
    }

    // Of text that is too long, as much as there is room for.
    void AddBeginning(object value)
    {
        string text = value is System.Management.Automation.PSObject { BaseObject: string s } ? s : value as string;
        if (text == null || items == MaximumItems)
            return;
        int room = json.Maximum - json.Length - 16;
        int length = json.Length;
        bool isFirst = json.IsFirst;
        // A character takes at most six bytes; mostly it is one.
        foreach (int perCharacter in new[] { 1, 2, 6 })
            try
            {
                int count = System.Math.Min(text.Length, room / perCharacter);
                if (count <= 0)
                    return;
                json.Value(text[..count]);
                items++;
                return;
            }
            catch (TooLongException)
            {
                json.CutTo(length, isFirst);
            }
    }

    public void WriteTo(JsonText frame)
    {
        if (items == 0)
        {
            frame.BeginArray().EndArray();
            return;
        }
        json.Maximum = int.MaxValue;
        json.EndArray();
        frame.Json(json.Written);
    }
}
