using System.CommandLine;
using System.Text;
using Comity.Cli.Runs;
using Comity.Data.Texts;
using Comity.Declarations;
using Comity.Learning;
using Comity.Learning.Generation;
using Comity.Tensors.Randomness;

namespace Comity.Cli.Commands;

/// <summary><c>comity generate MODEL_DIR --prompt TEXT</c>: continues a text with a model that predicts the next token.</summary>
internal static class GenerateCommand
{
    public static Command Create(Session session)
    {
        var folder = new Argument<string>("MODEL_DIR") { HelpName = "MODEL_DIR", Description = session.Text("argument.model") };
        var prompt = new Option<string>("--prompt") { Description = session.Text("option.prompt"), HelpName = "TEXT", DefaultValueFactory = _ => "" };
        var length = new Option<int>("--length") { Description = session.Text("option.length"), HelpName = "N", DefaultValueFactory = _ => 200 };
        var temperature = new Option<double>("--temperature") { Description = session.Text("option.temperature"), HelpName = "T", DefaultValueFactory = _ => 0.8 };
        var topK = new Option<int>("--top-k") { Description = session.Text("option.top-k"), HelpName = "K", DefaultValueFactory = _ => 0 };
        var topP = new Option<double>("--top-p") { Description = session.Text("option.top-p"), HelpName = "P", DefaultValueFactory = _ => 1 };
        var seed = new Option<ulong>("--seed") { Description = session.Text("option.generate-seed"), HelpName = "N", DefaultValueFactory = _ => 7 };
        var site = new Option<string?>("--site") { Description = session.Text("option.site"), HelpName = "ID" };
        AtLeast(length, value => value >= 1);
        AtLeast(temperature, value => value >= 0 && double.IsFinite(value));
        AtLeast(topK, value => value >= 0);
        AtLeast(topP, value => value is > 0 and <= 1);
        folder.CompletionSources.Add(CommonOptions.Paths);
        var command = new Command("generate", session.Text("generate.description")) { folder, prompt, length, temperature, topK, topP, seed, site };
        command.SetAction((parsed, cancellationToken) =>
        {
            var path = parsed.GetRequiredValue(folder);
            var model = ModelFolder.Read(path, parsed.GetValue(site));
            if (model.Model.Task != TaskKind.NextToken)
                throw new StoppedException(ExitCode.InvalidStudy, Texts.Problem("generate-needs-text", Place.InFile(path), model.Preprocessing.TaskName));
            var sampling = new Sampling { Temperature = parsed.GetValue(temperature), TopK = parsed.GetValue(topK), TopP = parsed.GetValue(topP) };
            var text = Continue(model, parsed.GetValue(prompt)!, parsed.GetValue(length), sampling, Seed.Of(parsed.GetValue(seed)).For("generate").ToRandom(), cancellationToken);
            session.Out.Line(text);
            return Task.FromResult((int)ExitCode.Done);
        });
        return command;

        void AtLeast<T>(Option<T> option, Func<T, bool> fits) => option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<T>() is { } value && !fits(value)) result.AddError(session.Text("usage.out-of-range", option.Name, value));
        });
    }

    private static string Continue(ModelFolder model, string prompt, int length, Sampling sampling, SeededRandom random, CancellationToken cancellationToken)
    {
        var vocabulary = new CharacterVocabulary(model.Preprocessing.Columns[0].Levels);
        var generator = new TokenGenerator(model.Model, model.Parameters);
        // As in training a text begins with the separator.
        var scores = generator.Read(CharacterVocabulary.Separator);
        foreach (var character in prompt.EnumerateRunes()) scores = generator.Read(vocabulary.NumberOf(character));
        var text = new StringBuilder(prompt);
        for (var i = 0; i < length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var token = sampling.Draw(scores, random);
            text.Append(vocabulary.TextOf(token));
            scores = generator.Read(token);
        }
        return text.ToString();
    }
}
