// Script.cs - a script's text, parsed: its errors, its own parameters, the variables it names.

using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace Reactions.PowerShell;

internal sealed class Script
{
    public readonly record struct Problem(string Message, int Line, int Column);

    public sealed class Parameter
    {
        public string[] Names;      // its own, then its aliases
        public Type Type;           // as written; object where nothing is
        public bool IsMandatory;
        public bool IsSwitchLike;   // [switch] or [bool]: text such as "true" is meant as a value
    }

    // The few scripts that this process has seen. A worker belongs to one reaction, so mostly this is one.
    static readonly Dictionary<string, Script> Known = [];

    public IReadOnlyList<Problem> Problems { get; private init; } = [];
    public IReadOnlyList<Parameter> Parameters { get; private init; } = [];
    ScriptBlockAst ast;

    public static Script Parse(string text)
    {
        if (Known.TryGetValue(text, out Script script))
            return script;
        if (Known.Count >= 16)
            Known.Clear();
        return Known[text] = ParseAnew(text);
    }

    static Script ParseAnew(string text)
    {
        try
        {
            ScriptBlockAst ast = Parser.ParseInput(text, out _, out ParseError[] errors);
            return new Script { ast = ast, Problems = [.. errors.Select(ProblemOf)], Parameters = [.. (ast.ParamBlock?.Parameters ?? Enumerable.Empty<ParameterAst>()).Select(ParameterOf)] };
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Nested too deeply for the parser's stack, for instance.
            return new Script { Problems = [new Problem($"The script cannot be parsed: {e.Message}", 1, 1)] };
        }
    }

    static Problem ProblemOf(ParseError error) => new(error.Message, error.Extent.StartLineNumber, error.Extent.StartColumnNumber);

    static Parameter ParameterOf(ParameterAst ast)
    {
        var names = new List<string> { ast.Name.VariablePath.UserPath };
        foreach (AttributeAst alias in ast.Attributes.OfType<AttributeAst>().Where(a => IsNamed(a, "Alias")))
            names.AddRange(alias.PositionalArguments.OfType<StringConstantExpressionAst>().Select(s => s.Value));
        Type type = ast.Attributes.OfType<TypeConstraintAst>().FirstOrDefault()?.TypeName.GetReflectionType() ?? typeof(object);
        return new Parameter {
            Names = [.. names], Type = type, IsSwitchLike = type == typeof(SwitchParameter) || type == typeof(bool),
            IsMandatory = ast.Attributes.OfType<AttributeAst>().Where(a => IsNamed(a, "Parameter")).SelectMany(a => a.NamedArguments)
                .Any(n => n.ArgumentName.Equals("Mandatory", StringComparison.OrdinalIgnoreCase) && IsTrue(n)) };
    }

    static bool IsNamed(AttributeAst attribute, string name) =>
        attribute.TypeName.Name.Equals(name, StringComparison.OrdinalIgnoreCase) || attribute.TypeName.Name.Equals(name + "Attribute", StringComparison.OrdinalIgnoreCase);

    static bool IsTrue(NamedAttributeArgumentAst argument) =>
        argument.ExpressionOmitted || argument.Argument is VariableExpressionAst { VariablePath.UserPath: var name } && name.Equals("true", StringComparison.OrdinalIgnoreCase);

    // Names of variables anywhere in the script, without scope or drive.
    public IReadOnlyCollection<string> Variables()
    {
        var names = new SortedSet<string>(StringComparer.OrdinalIgnoreCase);
        try
        {
            foreach (Ast found in ast?.FindAll(a => a is VariableExpressionAst, true) ?? [])
            {
                VariablePath path = ((VariableExpressionAst)found).VariablePath;
                if (path.IsVariable)
                    names.Add(path.UserPath[(path.UserPath.LastIndexOf(':') + 1)..]);
            }
        }
        catch (Exception e) when (e is InsufficientExecutionStackException)
        {
            // What was found until there.
        }
        return names;
    }
}
