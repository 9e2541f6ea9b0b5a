using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using Comity.Cli.Composition;

namespace Comity.Cli.Commands;

/// <summary><c>comity schema</c>: the study file's JSON Schema, so that editors complete and check it.</summary>
internal static class SchemaCommand
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Command Create(Session session)
    {
        var command = new Command("schema", session.Text("schema.description"));
        command.SetAction(_ =>
        {
            session.Out.Line(StudySchema.Write().ToJsonString(Indented));
            return (int)ExitCode.Done;
        });
        return command;
    }
}
