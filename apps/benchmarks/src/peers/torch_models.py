"""The models of the workloads in PyTorch."""

import torch
from posteriors import diag_normal_log_prob
from torch.nn.functional import avg_pool2d, binary_cross_entropy_with_logits, conv2d, cross_entropy, embedding, logsigmoid


def prior(params, num_data):
    return diag_normal_log_prob(params, normalize=False) / num_data


def double_well(num_data):
    def log_posterior(params, batch):
        square = params["x"].square()
        return (square - 0.1 * square.square()).sum(), torch.tensor([])

    return log_posterior


def logistic(num_data):
    def log_posterior(params, batch):
        logits = batch["inputs"] @ params["weights"]
        loss = binary_cross_entropy_with_logits(logits, batch["labels"])
        return prior(params, num_data) - loss, torch.tensor([])

    return log_posterior


def classifier(logits):
    """A log posterior for the logits of a model of the images or words of a batch."""

    def of(num_data):
        def log_posterior(params, batch):
            loss = cross_entropy(logits(params, batch), batch["labels"])
            return prior(params, num_data) - loss, torch.tensor([])

        return log_posterior

    return of


def network(activation):
    def logits(params, batch):
        hidden = activation(torch.addmm(params["bias1"], batch["images"], params["weights1"]))
        return torch.addmm(params["bias2"], hidden, params["weights2"])

    return logits


def lenet(params, batch):
    x = batch["images"].reshape(-1, 1, 28, 28)
    for i, padding in ((1, 2), (2, 0)):
        # The filters come as [height, width, in, out].
        filters = params[f"filters{i}"].permute(3, 2, 0, 1)
        x = avg_pool2d(torch.tanh(conv2d(x, filters, params[f"bias{i}"], padding=padding)), 2)
    # And the rows of the next weights in the order of height, width, channel.
    x = x.permute(0, 2, 3, 1).flatten(1)
    for i in (3, 4):
        x = torch.tanh(torch.addmm(params[f"bias{i}"], x, params[f"weights{i}"]))
    return torch.addmm(params["bias5"], x, params["weights5"])


def lstm(params, batch):
    words = embedding(batch["words"], params["embedding"]).transpose(0, 1)
    units = params["recurrent"].shape[0]
    zeros = words.new_zeros(1, words.shape[1], units)
    weights = [params["inputs"].T, params["recurrent"].T, params["bias"], torch.zeros_like(params["bias"])]
    _, last, _ = torch.lstm(words, (zeros, zeros), weights, True, 1, 0.0, True, False, False)
    return torch.addmm(params["outputsBias"], last[0], params["outputs"])


POSTERIORS = {
    "doubleWell": double_well,
    "logistic": logistic,
    "network": classifier(network(torch.relu)),
    "lenet": classifier(lenet),
    "lstm": classifier(lstm),
}


def labelled(outputs, batch):
    return -cross_entropy(outputs, batch["labels"], reduction="none")


def difference(params, batch):
    return params["skills"][batch["home"]] - params["skills"][batch["away"]]


def match(outputs, batch):
    lower, upper = batch["lower"], batch["upper"]
    home = logsigmoid(outputs - upper)
    away = logsigmoid(lower - outputs)
    draw = logsigmoid(upper - outputs) + logsigmoid(outputs - lower) + torch.log1p(-torch.exp(lower - upper))
    return (batch["chosen"] * torch.stack([home, draw, away], -1)).sum(-1)


# The outputs of a model, and the log likelihood of each example given them.
LIKELIHOODS = {
    "network": (network(torch.relu), labelled),
    "tanhNetwork": (network(torch.tanh), labelled),
    "football": (difference, match),
}
