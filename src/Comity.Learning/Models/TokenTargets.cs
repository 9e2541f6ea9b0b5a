using Comity.Tensors.Randomness;

namespace Comity.Learning.Models;

/// <summary>Which tokens of a text are predicted, and where.</summary>
internal static unsafe class TokenTargets
{
    private const int HiddenOf100 = 15;

    /// <summary>Every token after the first that is not padding, predicted at the step before it.</summary>
    /// <param name="tokens">The first row's tokens.</param>
    /// <param name="rows">How many rows.</param>
    /// <param name="width">Floats from one row to the next.</param>
    /// <param name="timeMajor">Whether states come step by step.</param>
    /// <param name="byRow">Whether targets come row by row all the same.</param>
    /// <param name="targets">Receives the tokens.</param>
    /// <param name="owners">Receives the rows.</param>
    /// <param name="places">Receives the numbers of the states.</param>
    /// <returns>How many; targets, owners (rows) and places (numbers of states) are written.</returns>
    public static int Next(float* tokens, int rows, int width, bool timeMajor, bool byRow, float* targets, int* owners, int* places)
    {
        var count = 0;
        var (steps, stepByStep) = (width - 1, timeMajor && !byRow);
        for (var outer = 0; outer < (stepByStep ? steps : rows); outer++)
        {
            for (var inner = 0; inner < (stepByStep ? rows : steps); inner++)
            {
                var (b, t) = stepByStep ? (inner, outer) : (outer, inner);
                var target = tokens[(nint)b * width + t + 1];
                if (target == TokenInput.Padding) continue;
                (targets[count], owners[count]) = (target, b);
                places[count++] = timeMajor ? t * rows + b : b * steps + t;
            }
        }
        return count;
    }

    /// <summary>
    /// 15 in 100 tokens of each row, at least one: in training four fifths are hidden by the mask, a tenth by any token, a tenth stands
    /// (Devlin et al. 2018, section 3.1). Without a stream all are hidden, and the row itself says which, so that it is always judged alike.
    /// </summary>
    public static int Masked(float* tokens, int rows, int width, int vocabulary, bool timeMajor, SeededRandom? training, float* targets, int* owners, int* places)
    {
        var count = 0;
        for (var b = 0; b < rows; b++)
        {
            var row = tokens + (nint)b * width;
            var length = width;
            while (length > 0 && row[length - 1] == TokenInput.Padding) length--;
            if (length == 0) continue;
            var random = training ?? OfRow(row, length);
            var least = random.NextInt32(length);
            for (var t = 0; t < length; t++)
            {
                if (random.NextInt32(100) >= HiddenOf100 && t != least) continue;
                (targets[count], owners[count]) = (row[t], b);
                places[count++] = timeMajor ? t * rows + b : b * width + t;
                var way = training is null ? 0 : random.NextInt32(10);
                if (way < 8) row[t] = TokenInput.Mask;
                else if (way == 8) row[t] = TokenInput.First + random.NextInt32(Math.Max(1, vocabulary - TokenInput.First));
            }
        }
        return count;
    }

    /// <summary>Every token with a tag; targets are the tags' numbers from 0.</summary>
    /// <param name="tags">The first row's tags; 0: none.</param>
    /// <param name="rows">How many.</param>
    /// <param name="width">Floats from one row's tags to the next's.</param>
    /// <param name="steps">Tokens in a row.</param>
    /// <param name="timeMajor">Whether states come step by step.</param>
    /// <param name="byRow">Whether targets come row by row all the same.</param>
    /// <param name="targets">Receives the tags.</param>
    /// <param name="owners">Receives the rows.</param>
    /// <param name="places">Receives the numbers of the states.</param>
    public static int Tags(float* tags, int rows, int width, int steps, bool timeMajor, bool byRow, float* targets, int* owners, int* places)
    {
        var count = 0;
        var stepByStep = timeMajor && !byRow;
        for (var outer = 0; outer < (stepByStep ? steps : rows); outer++)
        {
            for (var inner = 0; inner < (stepByStep ? rows : steps); inner++)
            {
                var (b, t) = stepByStep ? (inner, outer) : (outer, inner);
                var tag = tags[(nint)b * width + t];
                if (tag == 0) continue;
                (targets[count], owners[count]) = (tag - 1, b);
                places[count++] = timeMajor ? t * rows + b : b * steps + t;
            }
        }
        return count;
    }

    // FNV-1a over the tokens.
    private static SeededRandom OfRow(float* row, int length)
    {
        var hash = 14695981039346656037UL;
        for (var t = 0; t < length; t++) hash = (hash ^ (ulong)row[t]) * 1099511628211UL;
        return Seed.Of(hash).ToRandom();
    }
}
