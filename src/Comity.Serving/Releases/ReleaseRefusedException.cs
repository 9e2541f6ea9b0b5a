using Comity.Declarations;

namespace Comity.Serving.Releases;

/// <summary>A release can't be trusted or used; <see cref="Problem"/> says why. Nothing of it was loaded.</summary>
public sealed class ReleaseRefusedException(Problem problem) : Exception(problem.ToString())
{
    /// <summary>Where, what, and what to do about it.</summary>
    public Problem Problem { get; } = problem;
}
