using System.Buffers;
using System.Globalization;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace Comity.Benchmarks.Serving;

/// <summary>The rival: Kestrel, set up as the server is, reads the same JSON to its last number and answers a constant.</summary>
internal static class ConstantEndpoint
{
    private static readonly byte[] Answer =
        """{"id":"AX1sBpQQWy3ZDXOSNjVs4JgX5HKyQSdfNmJetPXW_uPUwXc7dz5nhtNH9tVEb2MBt90SBgMHpzH0","model":"tabular","version":"1.0.0","label":"class 0","certainty":0.9610542,"probabilities":{"class 0":0.9610542,"class 1":0.038945794},"missing":[],"outOfRange":[],"unseen":[]}"""u8.ToArray();

    public static int Run(string[] args)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, int.Parse(args[0], CultureInfo.InvariantCulture));
        });
        var application = builder.Build();
        application.Run(HandleAsync);
        application.Run();
        return 0;
    }

    private static async Task HandleAsync(HttpContext context)
    {
        var reader = context.Request.BodyReader;
        while (true)
        {
            var result = await reader.ReadAsync();
            if (result.IsCompleted || result.Buffer.Length == context.Request.ContentLength)
            {
                Parse(result.Buffer);
                reader.AdvanceTo(result.Buffer.End);
                break;
            }
            reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = Answer.Length;
        context.Response.BodyWriter.Write(Answer);
    }

    private static double Parse(ReadOnlySequence<byte> body)
    {
        var json = new Utf8JsonReader(body);
        double sum = 0;
        while (json.Read())
            if (json.TokenType == JsonTokenType.Number) sum += json.GetDouble();
        return sum;
    }
}
