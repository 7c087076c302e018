// ToJson.cs - what a script made, as JSON.
//
// Never throws for what it is given and always ends: a cycle, too deep a structure and a property that throws become text or
// null. Objects that scripts make (PSCustomObject, dictionaries, lists) are written to a depth of 32; other .NET objects
// show their properties two levels deep, and their text below that.

using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Management.Automation;
using System.Management.Automation.Internal;
using System.Numerics;
using System.Security;
using System.Xml;

namespace Reactions.PowerShell;

internal static class ToJson
{
    const int DepthOfData = 32, DepthOfObjects = 2, MaximumItems = 1 << 18;

    public static string Text(object value, int maximumBytes)
    {
        var json = new JsonText { Maximum = maximumBytes };
        Write(json, value);
        return System.Text.Encoding.UTF8.GetString(json.Written);
    }

    // Throws only TooLongException, when the text has a maximum.
    public static void Write(JsonText json, object value) => new Walk(json).Write(value, DepthOfData, DepthOfObjects);

    sealed class Walk(JsonText json)
    {
        readonly List<object> above = [];
        int items;

        public void Write(object value, int data, int objects)
        {
            if (++items > MaximumItems)
                throw new TooLongException();
            var wrapped = value as PSObject;
            if (wrapped != null && wrapped.BaseObject is not PSCustomObject)
                value = wrapped.BaseObject;
            if (value == null || ReferenceEquals(value, AutomationNull.Value))
            {
                json.Value((string)null);
                return;
            }
            if (Scalar(value))
                return;
            if (data == 0 || above.Exists(a => ReferenceEquals(a, value)))
            {
                json.Value(TextOf(value));
                return;
            }
            above.Add(value);
            switch (value)
            {
                case IDictionary dictionary: Dictionary(dictionary, data, objects); break;
                case IEnumerable list: List(list, data, objects); break;
                case PSObject made: Properties(made, data - 1, objects); break;
                default:
                    if (objects == 0)
                        json.Value(TextOf(value));
                    else
                        Properties(wrapped ?? PSObject.AsPSObject(value), data - 1, objects - 1);
                    break;
            }
            above.RemoveAt(above.Count - 1);
        }

        bool Scalar(object value)
        {
            switch (value)
            {
                case string s: json.Value(s); return true;
                case bool b: json.Value(b); return true;
                case Enum e: json.Number(e.ToString("D")); return true;
                case int or long or short or sbyte or byte or ushort or uint: json.Value(Convert.ToInt64(value, CultureInfo.InvariantCulture)); return true;
                case ulong u: json.Value((BigInteger)u); return true;
                case BigInteger b: json.Value(b); return true;
                case double d: json.Value(d); return true;
                case float f: json.Value(double.Parse(f.ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture)); return true;
                case decimal d: json.Number(d.ToString(CultureInfo.InvariantCulture)); return true;
                case DateTime d: json.Value(d.ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFFK", CultureInfo.InvariantCulture)); return true;
                case DateTimeOffset d: json.Value(d.ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFFK", CultureInfo.InvariantCulture)); return true;
                case TimeSpan t: json.Value(t.ToString("c", CultureInfo.InvariantCulture)); return true;
                case char or Guid or Uri or Version or ScriptBlock or Type or SecureString or ErrorRecord or Exception or IntPtr:
                    json.Value(TextOf(value)); return true;
                case byte[] bytes: json.Value(Convert.ToBase64String(bytes)); return true;
                case XmlNode node: json.Value(node.OuterXml); return true;
                case FileSystemInfo file: json.Value(file.FullName); return true;
                case DBNull: json.Value((string)null); return true;
                case SwitchParameter s: json.Value(s.IsPresent); return true;
                default: return false;
            }
        }

        void Dictionary(IDictionary dictionary, int data, int objects)
        {
            json.BeginObject();
            IDictionaryEnumerator each = dictionary.GetEnumerator();
            while (Next(each))
                Member(TextOf(each.Key), each.Value, data - 1, objects);
            json.EndObject();
        }

        void List(IEnumerable list, int data, int objects)
        {
            json.BeginArray();
            IEnumerator each = Try(list.GetEnumerator);
            while (each != null && Next(each))
                Write(each.Current, data - 1, objects);
            json.EndArray();
        }

        void Properties(PSObject made, int data, int objects)
        {
            json.BeginObject();
            var names = new HashSet<string>(StringComparer.Ordinal);
            foreach (PSPropertyInfo property in made.Properties)
                if (property.IsGettable && names.Add(property.Name))
                    Member(property.Name, Try(() => property.Value), data, objects);
            json.EndObject();
        }

        void Member(string name, object value, int data, int objects)
        {
            json.Name(name);
            Write(value, data, objects);
        }

        // A collection that changes while it is walked, or whose enumerator throws, ends there.
        static bool Next(IEnumerator each) => Try(() => (object)each.MoveNext()) is true;
    }

    static T Try<T>(Func<T> get) where T : class
    {
        try
        {
            return get();
        }
        catch (Exception e) when (e is not PipelineStoppedException)
        {
            return null;
        }
    }

    public static string TextOf(object value) =>
        Try(() => value is PSObject or null ? value?.ToString() : PSObject.AsPSObject(value).ToString(null, CultureInfo.InvariantCulture)) ?? string.Empty;
}
