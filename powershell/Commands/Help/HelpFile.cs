// HelpFile.cs - writes the files that Get-Help reads: synopsis, syntax and parameters of every command, as MAML.
//
// Written once, when the product is built (powershell/build); a session that asks for no help never opens it.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Internal;
using System.Reflection;
using System.Xml;

namespace Reactions.PowerShell;

public static class HelpFile
{
    // One for each module: the engine files what it reads under the module of the command that was asked for first.
    internal static string Name(string module) => module + "-Help.xml";

    const string Maml = "http://schemas.microsoft.com/maml/2004/10", Command = "http://schemas.microsoft.com/maml/dev/command/2004/10", Dev = "http://schemas.microsoft.com/maml/dev/2004/10";

    sealed record Described(string Synopsis, Dictionary<string, string> Parameters);

    sealed record Parameter(string Name, Type Type, ParameterAttribute[] In, string[] Aliases);

    // Writes all files below folder. Throws InvalidDataException that names every command and parameter without words.
    public static void Write(string folder)
    {
        Dictionary<string, Described> all = Read();
        var missing = new List<string>();
        Directory.CreateDirectory(Path.Combine(folder, "en-US"));
        foreach (var module in CommandList.Cmdlets.GroupBy(c => c.Module))
        {
            using var to = XmlWriter.Create(Path.Combine(folder, "en-US", Name(module.Key)), new XmlWriterSettings { Indent = true });
            to.WriteStartElement("helpItems", "http://msh");
            to.WriteAttributeString("schema", "maml");
            foreach (CommandList.Entry entry in module)
            {
                if (all.TryGetValue(entry.Name, out Described own)) Write(to, entry, own, all["*"], missing);
                else missing.Add(entry.Name);
            }
            to.WriteEndElement();
        }
        if (missing.Count > 0) throw new InvalidDataException("help.txt says nothing of " + string.Join(", ", missing));
    }

    static Dictionary<string, Described> Read()
    {
        var all = new Dictionary<string, Described>(StringComparer.OrdinalIgnoreCase);
        Described last = null;
        using var lines = new StreamReader(typeof(HelpFile).Assembly.GetManifestResourceStream("help.txt"));
        while (lines.ReadLine() is { } line)
        {
            if (line.Length == 0 || line[0] == '#') continue;
            string[] parts = line.Split(": ", 2);
            if (line[0] == ' ') last.Parameters[parts[0].Trim()] = parts[1];
            else all[line[0] == '*' ? "*" : parts[0]] = last = new Described(parts[^1], new(StringComparer.OrdinalIgnoreCase));
        }
        return all;
    }

    static void Write(XmlWriter to, CommandList.Entry entry, Described own, Described common, List<string> missing)
    {
        Parameter[] parameters = [.. Of(entry.Type)];
        string[] name = entry.Name.Split('-', 2);
        to.WriteStartElement("command", "command", Command);
        to.WriteAttributeString("xmlns", "maml", null, Maml);
        to.WriteAttributeString("xmlns", "dev", null, Dev);

        to.WriteStartElement("details", Command);
        to.WriteElementString("name", Command, entry.Name);
        to.WriteElementString("verb", Command, name[0]);
        to.WriteElementString("noun", Command, name[1]);
        Words(to, own.Synopsis);
        to.WriteEndElement();
        Words(to, own.Synopsis);

        to.WriteStartElement("syntax", Command);
        string[] sets = [.. parameters.SelectMany(p => p.In).Select(a => a.ParameterSetName).Where(s => s != ParameterAttribute.AllParameterSets).Distinct()];
        foreach (string set in sets.Length > 0 ? sets : [ParameterAttribute.AllParameterSets])
        {
            to.WriteStartElement("syntaxItem", Command);
            to.WriteElementString("name", Maml, entry.Name);
            foreach (var (p, a) in parameters.Select(p => (p, a: In(p, set))).Where(x => x.a is { DontShow: false }).OrderBy(x => x.a.Position < 0 ? int.MaxValue : x.a.Position).ThenBy(x => !x.a.Mandatory))
                Write(to, p, a, null);
            to.WriteEndElement();
        }
        to.WriteEndElement();

        to.WriteStartElement("parameters", Command);
        foreach (Parameter p in parameters)
        {
            if (own.Parameters.TryGetValue(p.Name, out string words) || common.Parameters.TryGetValue(p.Name, out words)) Write(to, p, p.In[0], words);
            else missing.Add($"{entry.Name} -{p.Name}");
        }
        to.WriteEndElement();
        to.WriteEndElement();
    }

    static ParameterAttribute In(Parameter p, string set) => Array.Find(p.In, a => a.ParameterSetName == set || a.ParameterSetName == ParameterAttribute.AllParameterSets);

    static IEnumerable<Parameter> Of(Type command) => command.GetCustomAttribute<CmdletAttribute>().SupportsShouldProcess ? Own(command).Concat(Asking) : Own(command);

    // Those that the engine adds to a command which changes something.
    static readonly Parameter[] Asking = [
        new("WhatIf", typeof(SwitchParameter), [new ParameterAttribute()], ["wi"]), new("Confirm", typeof(SwitchParameter), [new ParameterAttribute()], ["cf"])];

    static IEnumerable<Parameter> Own(Type command) =>
        from property in command.GetProperties()
        let marks = property.GetCustomAttributes<ParameterAttribute>(true).ToArray()
        where marks.Length > 0
        orderby property.Name
        select new Parameter(property.Name, property.PropertyType, marks, [.. property.GetCustomAttributes<AliasAttribute>(true).SelectMany(a => a.AliasNames)]);

    static void Write(XmlWriter to, Parameter p, ParameterAttribute a, string words)
    {
        Type type = Nullable.GetUnderlyingType(p.Type) ?? p.Type;
        to.WriteStartElement("parameter", Command);
        to.WriteAttributeString("required", a.Mandatory ? "true" : "false");
        to.WriteAttributeString("globbing", p.Name is "Path" or "Include" or "Exclude" ? "true" : "false");
        to.WriteAttributeString("pipelineInput", (a.ValueFromPipeline, a.ValueFromPipelineByPropertyName) switch {
            (true, true) => "True (ByValue, ByPropertyName)", (true, false) => "True (ByValue)", (false, true) => "True (ByPropertyName)", _ => "False" });
        to.WriteAttributeString("position", a.Position < 0 ? "named" : a.Position.ToString());
        to.WriteAttributeString("aliases", p.Aliases.Length > 0 ? string.Join(", ", p.Aliases) : "none");
        to.WriteElementString("name", Maml, p.Name);
        if (words != null) Words(to, words);
        if (type != typeof(SwitchParameter))
        {
            string shown = LanguagePrimitives.ConvertTo<string>(type);
            to.WriteStartElement("parameterValue", Command);
            to.WriteAttributeString("required", "true");
            to.WriteString(shown[(shown.LastIndexOf('.') + 1)..]);
            to.WriteEndElement();
        }
        to.WriteStartElement("type", Dev);
        to.WriteElementString("name", Maml, type.Name);
        to.WriteEndElement();
        to.WriteEndElement();
    }

    static void Words(XmlWriter to, string words)
    {
        to.WriteStartElement("description", Maml);
        to.WriteElementString("para", Maml, words);
        to.WriteEndElement();
    }
}
