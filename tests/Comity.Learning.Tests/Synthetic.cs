using Comity.Tensors.Randomness;

namespace Comity.Learning.Tests;

/// <summary>Small data sets whose truth is known.</summary>
internal static class Synthetic
{
    public static Seed Seed { get; } = Seed.Of(7);

    /// <summary>Labels drawn from a logistic model with the given coefficients; the last is the intercept.</summary>
    public static Dataset Logistic(int rows, double[] coefficients, Seed seed)
    {
        var random = seed.ToRandom();
        var width = coefficients.Length - 1;
        var (features, labels) = (new float[rows * width], new float[rows]);
        for (var i = 0; i < rows; i++)
        {
            var score = coefficients[width];
            for (var j = 0; j < width; j++)
            {
                features[i * width + j] = (float)random.NextGaussian();
                score += coefficients[j] * features[i * width + j];
            }
            labels[i] = random.NextDouble() < 1 / (1 + Math.Exp(-score)) ? 1 : 0;
        }
        return new Dataset(features, labels, width);
    }

    /// <summary>Two classes that no line separates: inside and outside of a circle.</summary>
    public static Dataset Circle(int rows, Seed seed)
    {
        var random = seed.ToRandom();
        var (features, labels) = (new float[rows * 2], new float[rows]);
        for (var i = 0; i < rows; i++)
        {
            var (x, y) = (2 * random.NextSingle() - 1, 2 * random.NextSingle() - 1);
            (features[2 * i], features[2 * i + 1], labels[i]) = (x, y, x * x + y * y < 0.5f ? 1 : 0);
        }
        return new Dataset(features, labels, 2);
    }

    /// <summary>Gaussian clouds around the corners of a polygon.</summary>
    public static Dataset Clouds(int rows, int classes, Seed seed)
    {
        var random = seed.ToRandom();
        var (features, labels) = (new float[rows * 2], new float[rows]);
        for (var i = 0; i < rows; i++)
        {
            var c = i % classes;
            features[2 * i] = (float)(3 * Math.Cos(2 * Math.PI * c / classes) + 0.5 * random.NextGaussian());
            features[2 * i + 1] = (float)(3 * Math.Sin(2 * Math.PI * c / classes) + 0.5 * random.NextGaussian());
            labels[i] = c;
        }
        return new Dataset(features, labels, 2);
    }

    /// <summary>A linear law with noise; the last coefficient is the intercept.</summary>
    public static Dataset Linear(int rows, double[] coefficients, double noise, Seed seed)
    {
        var random = seed.ToRandom();
        var width = coefficients.Length - 1;
        var (features, labels) = (new float[rows * width], new float[rows]);
        for (var i = 0; i < rows; i++)
        {
            var value = coefficients[width] + noise * random.NextGaussian();
            for (var j = 0; j < width; j++)
            {
                features[i * width + j] = (float)random.NextGaussian();
                value += coefficients[j] * features[i * width + j];
            }
            labels[i] = (float)value;
        }
        return new Dataset(features, labels, width);
    }
}
