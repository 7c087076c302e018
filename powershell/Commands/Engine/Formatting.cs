// Formatting.cs - the engine's formatting and output machinery, for the Format-* commands, Out-String and Out-File.
//
// The engine holds the whole of it (views, widths, wrapping, groups) in internal classes around public base commands.
// A command becomes one of the family by putting the right implementation object into its base class.

using System;
using System.Globalization;
using System.IO;
using System.Management.Automation;
using System.Reflection;
using Microsoft.PowerShell.Commands.Internal.Format;

namespace Reactions.PowerShell.Engine;

internal static class Formatting
{
    public enum Shape { Table, List, Wide, Complex }

    const BindingFlags All = BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public;
    static readonly Assembly EngineAssembly = typeof(PSObject).Assembly;
    static readonly FieldInfo Implementation = typeof(FrontEndCommandBase).GetField("implementation", All);

    static Type Inner(string name) => EngineAssembly.GetType("Microsoft.PowerShell.Commands.Internal.Format." + name, true);
    static object New(string type, params object[] arguments) => Activator.CreateInstance(Inner(type), All, null, arguments, CultureInfo.InvariantCulture);
    static void Set(object o, string field, object value) => o.GetType().GetField(field, All).SetValue(o, value);

    // Makes a command format: what it lets through are format objects, for Out-String, Out-File or the host to write.
    public static void Shaped(FrontEndCommandBase command, Shape shape) =>
        Implementation.SetValue(command, New("InnerFormatShapeCommand", Enum.ToObject(Inner("FormatShape"), (int)shape)));

    // Makes a command that writes what comes in as text.
    public static void Output(FrontEndCommandBase command) => Implementation.SetValue(command, New("OutputManagerInner"));

    // Where that text goes. width: columns; int.MaxValue for as many as a console would have.
    public static void WriteTo(FrontEndCommandBase command, TextWriter writer, int width, bool suppressNewline = false)
    {
        object lineOutput = New("TextWriterLineOutput", writer, width, suppressNewline);
        object inner = Implementation.GetValue(command);
        inner.GetType().GetProperty("LineOutput", All).SetValue(inner, lineOutput);
    }

    // -Property and the rest for the two shapes whose commands live outside the engine.
    public static void SetParameters(OuterFormatShapeCommandBase command, Shape shape, object[] property, bool? autosize, int? columns, int depth)
    {
        object parameters = New("FormattingCommandLineParameters");
        if (property != null)
        {
            object processor = New("ParameterProcessor", New(shape == Shape.Wide ? "FormatWideParameterDefinition" : "FormatObjectParameterDefinition"));
            object context = New("TerminatingErrorContext", command);
            MethodInfo process = processor.GetType().GetMethod("ProcessParameters", All);
            Set(parameters, "mshParameterList", process.Invoke(processor, BindingFlags.DoNotWrapExceptions, null, [property, context], null));
        }
        if (!string.IsNullOrEmpty(command.View)) Set(parameters, "viewName", command.View);
        Set(parameters, "groupByParameter", Call(command, "ProcessGroupByParameter"));
        Set(parameters, "forceFormattingAlsoOnOutOfBand", (bool)command.Force);
        if (command.ShowError) Set(parameters, "showErrorsAsMessages", (bool?)true);
        if (command.DisplayError) Set(parameters, "showErrorsInFormattedOutput", (bool?)true);
        Set(parameters, "expansion", Call(command, "ProcessExpandParameter"));
        if (autosize != null) Set(parameters, "autosize", autosize);
        object own = New(shape == Shape.Wide ? "WideSpecificParameters" : "ComplexSpecificParameters");
        if (columns != null) Set(own, "columns", columns);
        if (shape == Shape.Complex) Set(own, "maxDepth", depth);
        Set(parameters, "shapeParameters", own);
        object inner = Implementation.GetValue(command);
        inner.GetType().GetMethod("SetCommandLineParameters", All).Invoke(inner, [parameters]);
    }

    static object Call(OuterFormatShapeCommandBase command, string method) =>
        typeof(OuterFormatShapeCommandBase).GetMethod(method, All).Invoke(command, BindingFlags.DoNotWrapExceptions, null, null, null);
}
