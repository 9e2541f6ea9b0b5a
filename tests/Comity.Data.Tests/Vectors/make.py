"""Writes images.json and sounds.json: what Pillow, SciPy and NumPy make of small files. Run with a Python that has all three."""
import base64, io, json, os, struct, wave
import numpy as np
import scipy.fft, scipy.signal
from PIL import Image, features

here = os.path.dirname(os.path.abspath(__file__))
b64 = lambda b: base64.b64encode(bytes(b)).decode()
random = np.random.RandomState(7)


def smooth(height, width, channels):
    y, x = np.mgrid[0:height, 0:width]
    planes = [127 + 90 * np.sin(x / (3 + c) + y / (5 - c)) + 20 * random.rand(height, width) for c in range(channels)]
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def png(name, image, **options):
    buffer = io.BytesIO()
    image.save(buffer, 'PNG', **options)
    data = buffer.getvalue()
    shown = Image.open(io.BytesIO(data))
    if shown.mode in ('LA', 'RGBA') or 'transparency' in shown.info:
        rgba = shown.convert('RGBA')
        shown = Image.alpha_composite(Image.new('RGBA', rgba.size, (255, 255, 255, 255)), rgba).convert('L' if image.mode == 'LA' else 'RGB')
    elif shown.mode.startswith('I'):
        shown = Image.fromarray((np.asarray(shown) >> 8).astype(np.uint8))
    elif shown.mode == '1':
        shown = shown.convert('L')
    elif shown.mode == 'P':
        shown = shown.convert('RGB')
    pixels = np.asarray(shown)
    return {'name': name, 'file': b64(data), 'height': pixels.shape[0], 'width': pixels.shape[1], 'channels': 1 if pixels.ndim == 2 else 3, 'samples': b64(pixels.tobytes())}


grey, colour, alpha = smooth(13, 17, 1)[..., 0], smooth(13, 17, 3), smooth(13, 17, 4)
paletted = Image.fromarray(colour).quantize(11)
images = [
    png('grey', Image.fromarray(grey)),
    png('rgb', Image.fromarray(colour)),
    png('rgba', Image.fromarray(alpha, 'RGBA')),
    png('grey and alpha', Image.merge('LA', [Image.fromarray(grey), Image.fromarray(alpha[..., 3])])),
    png('palette', paletted),
    png('palette, 4 bit', paletted, bits=4),
    png('palette with transparency', paletted, transparency=bytes([0, 128, 255])),
    png('one bit', Image.fromarray(grey).convert('1')),
    png('sixteen bit', Image.fromarray((grey.astype(np.uint16) << 8 | 77))),
    png('stored, not packed', Image.fromarray(grey), compress_level=0),
]
scaled = []
for height, width in ((7, 9), (26, 34), (13, 8), (20, 17)):
    resized = np.asarray(Image.fromarray(colour).resize((width, height), Image.BILINEAR))
    scaled.append({'height': height, 'width': width, 'samples': b64(resized.tobytes())})
weighed = np.asarray(Image.fromarray(colour).convert('L'))
json.dump({'made': f'Pillow {Image.__version__}, zlib {features.version("zlib")}', 'images': images, 'colour': b64(colour.tobytes()), 'scaled': scaled, 'grey': b64(weighed.tobytes())},
          open(f'{here}/images.json', 'w'), indent=1)

# Sounds.
rate, n = 8000, 1200
t = np.arange(n) / rate
wave16 = np.round(32767 * 0.5 * (np.sin(2 * np.pi * (300 + 900 * t / t[-1]) * t) * np.hanning(n) + 0.05 * random.randn(n)).clip(-1, 1)).astype('<i2')
samples = wave16 / 32768.0


def wav(channels, width, data, rate=rate):
    buffer = io.BytesIO()
    with wave.open(buffer, 'wb') as file:
        file.setnchannels(channels); file.setsampwidth(width); file.setframerate(rate); file.writeframes(data)
    return buffer.getvalue()


wide = (samples * 2 ** 31).astype('<i4')
files = {
    'pcm8': wav(1, 1, np.round(samples * 127 + 128).astype(np.uint8).tobytes()),
    'pcm16': wav(1, 2, wave16.tobytes()),
    'pcm24': wav(1, 3, b''.join(struct.pack('<i', v)[1:] for v in wide)),
    'pcm32': wav(1, 4, wide.tobytes()),
    'stereo16': wav(2, 2, np.stack([wave16, wave16[::-1]], -1).tobytes()),
}
floats = samples.astype('<f4').tobytes()
body = b'WAVE' + b'LIST' + struct.pack('<I', 3) + b'abc\0' + b'fmt ' + struct.pack('<IHHIIHH', 16, 3, 1, rate, rate * 4, 4, 32) + b'data' + struct.pack('<I', len(floats)) + floats
files['float32'] = b'RIFF' + struct.pack('<I', len(body)) + body

frame, hop, size, floor, bands, coefficients = 200, 80, 256, 1e-6, 12, 7
window = scipy.signal.get_window('hann', frame)
starts = range(0, n - frame + 1, hop)
frames = np.stack([samples[s:s + frame] * window for s in starts])
power = np.abs(np.fft.rfft(frames, size)) ** 2 / np.sum(window ** 2)
frequencies = np.fft.rfftfreq(size, 1 / rate)
to_mel = lambda f: 2595 * np.log10(1 + f / 700)
corners = 700 * (10 ** (np.linspace(to_mel(100), to_mel(3800), bands + 2) / 2595) - 1)
bank = np.stack([np.interp(frequencies, corners[b:b + 3], [0, 1, 0], left=0, right=0) for b in range(bands)])
log_mel = np.log(power @ bank.T + floor)
mfcc = scipy.fft.dct(log_mel, type=2, norm='ortho', axis=1)[:, :coefficients]
spectra = {'spectrogram': np.log(power + floor).T, 'log-mel': log_mel.T, 'mfcc': mfcc.T}
resampled = {str(to): scipy.signal.resample_poly(samples, to // np.gcd(to, rate), rate // np.gcd(to, rate)) for to in (4000, 11025, 16000)}
json.dump({'made': f'SciPy {scipy.__version__}, NumPy {np.__version__}',
           'files': {k: b64(v) for k, v in files.items()},
           'pcm': b64(wave16.tobytes()),
           'spectra': {k: {'bands': v.shape[0], 'frames': v.shape[1], 'values': [float(f'{x:.7g}') for x in v.ravel()]} for k, v in spectra.items()},
           'resampled': {k: [float(f'{x:.7g}') for x in v] for k, v in resampled.items()}}, open(f'{here}/sounds.json', 'w'))
