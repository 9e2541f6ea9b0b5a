"""Asks a running `comity serve` what the Open Inference Protocol 2 knows, with clients and a schema that were not written here.

    comity serve heart-1.0.0.comity --market hu --listen http://127.0.0.1:8080
    python3 open_inference.py http://127.0.0.1:8080 --schema open_inference_rest.yaml

--schema is the protocol's published OpenAPI description (github.com/kserve/open-inference-protocol,
specification/protocol/open_inference_rest.yaml); each answer is validated against it by python's jsonschema. Clients that are installed
are used too: `pip install pydantic-open-inference` and `pip install tritonclient[http]` (NVIDIA's, with binary tensors).
Ends with 1 if anything did not hold.
"""
import argparse
import json
import sys
import urllib.error
import urllib.request

checks, failures = 0, []


def hold(what, true, found=""):
    global checks
    checks += 1
    if not true:
        failures.append(f"{what}: {found}")


def call(url, body=None, raw=None):
    data = raw if raw is not None else None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.loads(refusal.read() or b"{}")


def tensors(metadata, rows, encoded):
    """A request's inputs as the server's own metadata describe them."""
    if encoded:
        described = metadata["parameters"]["encoded_input"]
        width = described["shape"][1]
        return [{"name": described["name"], "datatype": described["datatype"], "shape": [rows, width], "data": [0.25 * (i % 7) for i in range(rows * width)]}]
    return [{"name": t["name"], "datatype": t["datatype"], "shape": [rows, 1],
             "data": [""] * rows if t["datatype"] == "BYTES" else [1.0 + i for i in range(rows)]} for t in metadata["inputs"]]


def by_schema(base, path):
    import jsonschema
    import yaml

    with open(path, encoding="utf-8") as file:
        document = yaml.safe_load(file)

    def valid(what, name, value):
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        errors = [e.message for e in jsonschema.Draft4Validator(schema).iter_errors(value)]
        hold(f"{what} is a {name}", not errors, "; ".join(errors[:3]))

    for health in ("live", "ready"):
        hold(health, call(f"{base}/v2/health/{health}")[0] == 200)
    status, server = call(f"{base}/v2/")
    hold("/v2/", status == 200, status)
    valid("server metadata", "metadata_server_response", server)
    for entry in call(f"{base}/v2/repository/index", {})[1]:
        model = f"{base}/v2/models/{entry['name']}/versions/{entry['version']}"
        status, metadata = call(model)
        hold(model, status == 200, status)
        valid("model metadata", "metadata_model_response", metadata)
        hold("ready", call(model + "/ready")[0] == 200)
        for rows in (1, 3):
            for encoded in (True, False):
                request = {"id": "42", "inputs": tensors(metadata, rows, encoded)}
                valid("what is sent", "inference_request", request)
                status, answer = call(model + "/infer", request)
                hold(f"infer, {rows} rows, encoded={encoded}", status == 200, answer)
                valid("answer", "inference_response", answer)
                hold("id comes back", answer.get("id") == "42", answer.get("id"))
                hold("name and version", (answer.get("model_name"), answer.get("model_version")) == (entry["name"], entry["version"]), answer)
                for output in answer.get("outputs", []):
                    hold("data fill the shape", len(output["data"]) in (rows, _product(output["shape"])), output["shape"])
        asked = [{"name": t["name"]} for t in metadata["outputs"]]
        status, answer = call(model + "/infer", {"inputs": tensors(metadata, 2, True), "outputs": asked})
        valid("answer with outputs asked for", "inference_response", answer)
        hold("outputs as asked", [o["name"] for o in answer.get("outputs", [])] == [o["name"] for o in asked], answer)
        for what, body, raw in (("no inputs", {}, None), ("wrong shape", {"inputs": [{"name": "input", "datatype": "FP32", "shape": [1, 1], "data": [1]}]}, None), ("not JSON", None, b"{")):
            status, answer = call(model + "/infer", body, raw)
            hold(f"{what} is refused with 400", status == 400, status)
            valid(what, "inference_error_response", answer)
            hold("error is told", isinstance(answer.get("error"), str), answer)
    status, answer = call(f"{base}/v2/models/nobody/versions/1")
    hold("an unknown model is not there", status == 404, status)
    valid("unknown model", "metadata_model_error_response", answer)


def _product(shape):
    product = 1
    for size in shape:
        product *= size
    return product


def by_pydantic_open_inference(base):
    from pydantic_open_inference._client import BadStatusCodeFromServerError, OpenInferenceHTTPClientAPI

    client = OpenInferenceHTTPClientAPI(base)
    for entry in call(f"{base}/v2/repository/index", {})[1]:
        name, version = entry["name"], entry["version"]
        hold("model is ready", client.model_readiness(name) and client.model_readiness(name, version))
        hold("another is not", not client.model_readiness(name, "99.0.0"))
        metadata = call(f"{base}/v2/models/{name}")[1]
        for encoded in (True, False):
            outputs = client.infer(name, tensors(metadata, 2, encoded), model_version=version)
            hold("an answer of two rows", outputs and outputs[0]["shape"][0] == 2, outputs)
        try:
            client.infer(name, [{"name": "nothing", "datatype": "FP32", "shape": [1], "data": [1]}])
            hold("an unknown input is refused", False)
        except BadStatusCodeFromServerError as refusal:
            hold("an unknown input is refused with 400", refusal.status_code == 400, refusal.status_code)


def by_tritonclient(base):
    import numpy
    import tritonclient.http as triton

    client = triton.InferenceServerClient(base.split("//")[1])
    hold("live and ready", client.is_server_live() and client.is_server_ready())
    hold("metadata", "binary_tensor_data" in client.get_server_metadata()["extensions"])
    for entry in client.get_model_repository_index():
        name, version = entry["name"], entry["version"]
        hold("model is ready", client.is_model_ready(name, version))
        described = client.get_model_metadata(name, version)["parameters"]["encoded_input"]
        rows = numpy.linspace(-1, 1, 4 * described["shape"][1], dtype=numpy.float32).reshape(4, -1)
        answers = []
        for binary in (False, True):
            tensor = triton.InferInput(described["name"], list(rows.shape), "FP32")
            tensor.set_data_from_numpy(rows, binary_data=binary)
            output = client.get_model_metadata(name, version)["outputs"][0]["name"]
            answer = client.infer(name, [tensor], model_version=version, request_id="7", outputs=[triton.InferRequestedOutput(output, binary_data=binary)])
            answers.append(answer.as_numpy(output))
        hold("binary and JSON agree", numpy.allclose(*answers, rtol=1e-6), answers)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("server")
    parser.add_argument("--schema")
    options = parser.parse_args()
    base = options.server.rstrip("/")
    ran = []
    if options.schema:
        by_schema(base, options.schema)
        ran.append("the published schema")
    for name, check in (("pydantic_open_inference", by_pydantic_open_inference), ("tritonclient", by_tritonclient)):
        try:
            __import__(name)
        except ImportError:
            print(f"{name} is not installed: left out")
            continue
        check(base)
        ran.append(name)
    print(f"{', '.join(ran) or 'nothing'}: {checks - len(failures)} of {checks} hold")
    for failure in failures:
        print("  " + failure)
    return 1 if failures or not ran else 0


if __name__ == "__main__":
    sys.exit(main())
