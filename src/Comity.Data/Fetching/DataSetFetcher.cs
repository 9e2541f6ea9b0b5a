using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Comity.Declarations;

namespace Comity.Data.Fetching;

/// <summary>How far a download has come.</summary>
/// <param name="File">The file.</param>
/// <param name="Bytes">Bytes on disk.</param>
/// <param name="Total">Bytes of the whole file.</param>
public readonly record struct FetchProgress(string File, long Bytes, long Total);

/// <summary>Downloads a data set: resumes what was begun, verifies each checksum, and puts a file in place only when it is right.</summary>
/// <remarks>
/// A file grows as <c>NAME.part</c>, asks for the rest by Range after a broken connection or a later start, and is renamed
/// once its SHA-256 is that of the catalogue. The client given decides on proxies; .NET's default honours HTTPS_PROXY and NO_PROXY.
/// </remarks>
public sealed class DataSetFetcher(HttpClient client, TimeProvider time)
{
    private const int Attempts = 6;
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Stalled = TimeSpan.FromSeconds(60);

    /// <summary>Fetches the files that are not there yet.</summary>
    /// <param name="set">The data set.</param>
    /// <param name="folder">Where its files go; made if needed.</param>
    /// <param name="problems">What went wrong; other files are fetched all the same.</param>
    /// <param name="progress">Told now and then.</param>
    /// <param name="cancellationToken">Stops; what has arrived is kept for next time.</param>
    /// <returns>Files that are in place and right.</returns>
    public async Task<IReadOnlyList<string>> FetchAsync(
        DataSet set, string folder, ProblemList problems, IProgress<FetchProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(set);
        ArgumentNullException.ThrowIfNull(problems);
        Directory.CreateDirectory(folder);
        var inPlace = new List<string>();
        foreach (var file in set.Files)
        {
            var path = Path.Combine(folder, file.StoredName);
            if (File.Exists(path))
            {
                // A file that someone put there is theirs: it is judged, never replaced.
                if (await IsRightAsync(path, file, cancellationToken).ConfigureAwait(false)) inPlace.Add(path);
                else problems.Add(Messages.Problem("fetch-other-file", Place.InFile(path), file.StoredName, file.Sha256));
                continue;
            }
            if (await FetchAsync(new Uri(set.Address, file.Name), file, path, problems, progress, cancellationToken).ConfigureAwait(false)) inPlace.Add(path);
        }
        return inPlace;
    }

    private async Task<bool> FetchAsync(
        Uri address, DataSetFile file, string path, ProblemList problems, IProgress<FetchProgress>? progress, CancellationToken cancellationToken)
    {
        var part = Path.Combine(Path.GetDirectoryName(path)!, file.Name + ".part");
        var failure = "";
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            if (attempt > 0) await Task.Delay(FirstPause * Math.Pow(2, attempt - 1), time, cancellationToken).ConfigureAwait(false);
            try
            {
                await ContinueAsync(address, file, part, progress, cancellationToken).ConfigureAwait(false);
                if (Length(part) >= file.Bytes) return await PutInPlaceAsync(address, file, part, path, problems, cancellationToken).ConfigureAwait(false);
                failure = $"{Length(part)}/{file.Bytes}";
            }
            catch (HttpRequestException e) when (e.StatusCode is { } status && (int)status is >= 400 and < 500 and not (408 or 429))
            {
                problems.Add(Messages.Problem("fetch-refused", Place.InFile(address.ToString()), (int)status));
                return false;
            }
            catch (Exception e) when (e is HttpRequestException or HttpIOException or IOException)
            {
                failure = e.Message;
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                failure = $"{Stalled.TotalSeconds:0} s";
            }
        }
        problems.Add(Messages.Problem("fetch-broken", Place.InFile(address.ToString()), failure, Attempts));
        return false;
    }

    private async Task ContinueAsync(Uri address, DataSetFile file, string part, IProgress<FetchProgress>? progress, CancellationToken cancellationToken)
    {
        var have = Length(part);
        if (have >= file.Bytes) return;
        using var silence = new CancellationTokenSource(Stalled, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(silence.Token, cancellationToken);
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        if (have > 0) request.Headers.Range = new RangeHeaderValue(have, null);
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            File.Delete(part);
            throw new IOException("416");
        }
        response.EnsureSuccessStatusCode();
        // A server without ranges answers 200 and starts again; one that starts elsewhere would leave a hole.
        var resumed = response.StatusCode == HttpStatusCode.PartialContent;
        if (resumed && response.Content.Headers.ContentRange?.From != have)
        {
            File.Delete(part);
            throw new IOException("Content-Range");
        }
        await using var to = new FileStream(part, resumed ? FileMode.Append : FileMode.Create, FileAccess.Write);
        await using var from = await response.Content.ReadAsStreamAsync(either.Token).ConfigureAwait(false);
        var buffer = new byte[81920];
        while (true)
        {
            var read = await from.ReadAsync(buffer, either.Token).ConfigureAwait(false);
            if (read == 0) return;
            await to.WriteAsync(buffer.AsMemory(0, read), either.Token).ConfigureAwait(false);
            silence.CancelAfter(Stalled);
            progress?.Report(new FetchProgress(file.Name, to.Length, file.Bytes));
            if (to.Length > file.Bytes) return; // no use in filling a disk: its checksum is wrong already
        }
    }

    private static async Task<bool> PutInPlaceAsync(Uri address, DataSetFile file, string part, string path, ProblemList problems, CancellationToken cancellationToken)
    {
        string digest;
        await using (var content = File.OpenRead(part)) digest = Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancellationToken).ConfigureAwait(false));
        if (digest != file.Sha256)
        {
            File.Delete(part);
            problems.Add(Messages.Problem("fetch-checksum", Place.InFile(address.ToString()), digest, file.Sha256));
            return false;
        }
        if (file.Compress)
        {
            var zipped = path + ".zipping";
            try
            {
                await using (var from = File.OpenRead(part))
                await using (var to = File.Create(zipped))
                await using (var zip = new GZipStream(to, CompressionLevel.SmallestSize))
                    await from.CopyToAsync(zip, cancellationToken).ConfigureAwait(false);
                File.Move(zipped, path);
            }
            finally
            {
                File.Delete(zipped);
            }
            File.Delete(part);
        }
        else File.Move(part, path);
        return true;
    }

    private static async Task<bool> IsRightAsync(string path, DataSetFile file, CancellationToken cancellationToken)
    {
        try
        {
            await using var content = File.OpenRead(path);
            await using Stream plain = file.Compress ? new GZipStream(content, CompressionMode.Decompress) : content;
            return Convert.ToHexStringLower(await SHA256.HashDataAsync(plain, cancellationToken).ConfigureAwait(false)) == file.Sha256;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    private static long Length(string path) => File.Exists(path) ? new FileInfo(path).Length : 0;
}
