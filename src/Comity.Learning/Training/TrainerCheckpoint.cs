using System.Text.Json;
using Comity.Tensors.Files;
using Comity.Tensors.Parameters;

namespace Comity.Learning.Training;

/// <summary>All that a run of the trainer needs to go on, bit for bit, as if it had never stopped.</summary>
public sealed record TrainerCheckpoint
{
    /// <summary>Where in the run it was made, and the sums up to there.</summary>
    public required CheckpointPosition Position { get; init; }

    /// <summary>Shape [P].</summary>
    public required float[] Parameters { get; init; }

    /// <summary>Moving average of the parameters, shape [P]; null: there is none.</summary>
    public float[]? Average { get; init; }

    /// <summary>The best parameters so far, shape [P]; null: none are kept.</summary>
    public float[]? Best { get; init; }

    /// <summary>What the optimiser remembers, shape [P] each.</summary>
    public required IReadOnlyList<float[]> Optimizer { get; init; }

    /// <summary>Writes it as safetensors; position and sums stand in the metadata.</summary>
    public void Write(string path)
    {
        var vectors = new List<(string Name, float[] Values)> { ("parameters", Parameters) };
        if (Average is not null) vectors.Add(("average", Average));
        if (Best is not null) vectors.Add(("best", Best));
        for (var i = 0; i < Optimizer.Count; i++) vectors.Add(($"optimizer.{i}", Optimizer[i]));
        var builder = new ParameterLayoutBuilder();
        foreach (var (name, values) in vectors) builder.Add(name, ParameterRole.Weight, values.Length);
        var flat = new float[vectors.Sum(v => v.Values.Length)];
        var next = 0;
        foreach (var (_, values) in vectors)
        {
            values.CopyTo(flat, next);
            next += values.Length;
        }
        Safetensors.Write(path, builder.Build(), flat, new Dictionary<string, string> { ["position"] = JsonSerializer.Serialize(Position) });
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="SafetensorsException">The file is damaged.</exception>
    /// <exception cref="InvalidDataException">The file is no checkpoint.</exception>
    public static TrainerCheckpoint Read(string path)
    {
        var content = Safetensors.Read(path);
        float[]? Of(string name) => content.Layout.Entries.FirstOrDefault(e => e.Name == name) is { } entry ? content.Parameters.AsSpan(entry.Offset, entry.Length).ToArray() : null;
        var missing = new InvalidDataException($"{path} is no checkpoint of a training.");
        if (!content.Metadata.TryGetValue("position", out var json)) throw missing;
        return new TrainerCheckpoint
        {
            Position = JsonSerializer.Deserialize<CheckpointPosition>(json) ?? throw missing,
            Parameters = Of("parameters") ?? throw missing,
            Average = Of("average"),
            Best = Of("best"),
            Optimizer = [.. Enumerable.Range(0, content.Layout.Entries.Count).Select(i => Of($"optimizer.{i}")).OfType<float[]>()],
        };
    }
}

/// <summary>Position and sums of a run.</summary>
/// <param name="Epoch">Epochs done.</param>
/// <param name="Batches">Mini-batches done in the epoch after these.</param>
/// <param name="EpochLoss">Σ of their rows' losses.</param>
/// <param name="Random">State of the stream that dropout draws from, four parts.</param>
/// <param name="Steps">Steps taken.</param>
/// <param name="LearningRateSum">Σ of the learning rate over them.</param>
/// <param name="Coefficients">Σ of the gradients' coefficients (FedNova); null: the optimiser has none.</param>
/// <param name="LossByEpoch">Mean training loss of the epochs done.</param>
/// <param name="ValidationLossByEpoch">Validation loss after each.</param>
/// <param name="BestLoss">The best validation loss; null: none yet.</param>
/// <param name="BestEpoch">Its epoch, from 0; −1: none yet.</param>
/// <param name="OptimizerNumbers">The numbers that the optimiser remembers.</param>
public sealed record CheckpointPosition(
    int Epoch, int Batches, double EpochLoss, IReadOnlyList<ulong> Random, int Steps, double LearningRateSum, double? Coefficients,
    IReadOnlyList<double> LossByEpoch, IReadOnlyList<double> ValidationLossByEpoch, double? BestLoss, int BestEpoch, IReadOnlyList<double> OptimizerNumbers);
