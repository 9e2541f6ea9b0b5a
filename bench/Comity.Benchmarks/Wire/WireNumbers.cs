using System.Globalization;
using Comity.Benchmarks.Study;

namespace Comity.Benchmarks.Wire;

/// <summary>A federation over TLS between processes: that it survives, what it costs, how it grows.</summary>
public static class WireNumbers
{
    /// <summary>Runs the named tables.</summary>
    public static int Run(string[] args)
    {
        var number = args.Length > 1 && long.TryParse(args[1], CultureInfo.InvariantCulture, out var whole) ? whole : (long?)null;
        var folder = Path.Combine(Path.GetTempPath(), string.Create(CultureInfo.InvariantCulture, $"comity-wire-{Environment.ProcessId}"));
        IReadOnlyList<Demand>? demands = args.FirstOrDefault() switch
        {
            "kill" => KillNumbers.RunAsync(folder, (int)(number ?? 200), seed: 1, args.Length > 2 ? Store(args[2]) : null).GetAwaiter().GetResult(),
            "replicas" => ReplicaNumbers.RunAsync(folder, (int)(number ?? 25), seed: 1, Store("postgres"), Queue()).GetAwaiter().GetResult(),
            "groups" => GroupNumbers.RunAsync(folder, (int)(number ?? 200), Store("postgres"), Queue()).GetAwaiter().GetResult(),
            "heart" => HeartNumbers.RunAsync(folder).GetAwaiter().GetResult(),
            "upload" => UploadNumbers.RunAsync(folder, number ?? 400_000_000).GetAwaiter().GetResult(),
            "echo" => EchoNumbers.RunAsync(folder, sites: args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 4, parameters: (int)(number ?? 100_000_000)).GetAwaiter().GetResult(),
            "many" => ManyNumbers.RunAsync(folder, idle: (int)(number ?? 1000), inRound: 200).GetAwaiter().GetResult(),
            "fuzz" => FuzzNumbers.RunAsync(folder, number ?? 1_000_000, seed: 1).GetAwaiter().GetResult(),
            "chaos" => ChaosNumbers.RunAsync(folder).GetAwaiter().GetResult(),
            "bare-server" => BareServer.Run(args[1]),
            "bare-client" => BareClient.Run(args[1..]),
            "site" => EchoSite.Run(args[1..]),
            _ => null,
        };
        if (demands is null)
        {
            Console.Error.WriteLine("Usage: … -- wire <kill [N [postgres]]|replicas [N]|groups [SITES]|heart|upload [BYTES]|echo [PARAMETERS [SITES]]|many [N]|fuzz [N]|chaos>");
            return 2;
        }
        if (demands.Count == 0) return 0;
        Console.WriteLine(Demand.Table(demands));
        if (demands.All(d => d.Holds)) Directory.Delete(folder, recursive: true);
        else Console.Error.WriteLine($"What is left lies in {folder}.");
        return demands.All(d => d.Holds) ? 0 : 1;
    }

    private static string Queue() => Environment.GetEnvironmentVariable("COMITY_RABBITMQ") ?? throw new InvalidOperationException("Set COMITY_RABBITMQ to the address of a broker, such as amqp://guest:guest@127.0.0.1:5672.");

    // A schema of this run's own, which stays.
    private static string Store(string kind)
    {
        if (kind != "postgres") throw new ArgumentException($"'{kind}' is no store; there is postgres.");
        var server = Environment.GetEnvironmentVariable("COMITY_POSTGRES") ?? throw new InvalidOperationException("Set COMITY_POSTGRES to the Npgsql connection string of a server.");
        return string.Create(CultureInfo.InvariantCulture, $"{server};Search Path=wire_{Environment.ProcessId}");
    }
}
