"""What other systems call a key, an option or a value, and how it is written here: for the fix in a message."""

from pathlib import Path

KEYS = {  # names in Keras, PyTorch, fastai, timm, Lightning and YOLO -> what to write; {} is the value given
    **dict.fromkeys(("learning_rate", "lr0", "init_lr", "initial_lr", "eta"), "lr={}"),
    **dict.fromkeys(("base_lr", "min_lr", "eta_min", "lr_min"), "bounds.base_lr={}"),
    **dict.fromkeys(("max_lr", "lr_max"), "bounds.max_lr={}"),
    **dict.fromkeys(("epoch", "n_epochs", "num_epochs", "max_epochs", "num_train_epochs"), "epochs={}"),
    **dict.fromkeys(("bs", "batch", "batchsize", "train_batch_size"), "batch_size={}"),
    **dict.fromkeys(
        ("accum", "grad_accum", "accumulate_grad_batches", "gradient_accumulation"), "accumulate={}"
    ),
    **dict.fromkeys(
        ("img_size", "imgsz", "image_size", "input_size", "resolution", "size"), "dataset.size={}"
    ),
    **dict.fromkeys(("root", "data", "path", "data_dir", "data_path", "folder", "dir"), "dataset.root={}"),
    **dict.fromkeys(("scheduler", "lr_scheduler", "sched", "schedule", "lr_policy"), "policy={}"),
    **dict.fromkeys(("arch", "architecture", "backbone", "net", "network"), "model={}"),
    **dict.fromkeys(("opt", "optim"), "optimizer={}"),
    **dict.fromkeys(("aug", "augmentation", "augmentations", "transform", "transforms"), "augment={}"),
    **dict.fromkeys(("wd", "decay_weight", "l2"), "weight_decay={}"),
    **dict.fromkeys(("num_workers", "n_jobs", "jobs"), "workers={}"),
    **dict.fromkeys(("num_threads", "n_threads"), "threads={}"),
    **dict.fromkeys(("gpu", "gpu_id", "cuda"), "device=cuda:{}"),
    **dict.fromkeys(("gpus", "accelerator"), "device=cuda"),
    **dict.fromkeys(("amp", "fp16", "bf16", "mixed_precision", "half"), "precision=bf16"),
    **dict.fromkeys(("pretrained", "imagenet"), "model.weights=imagenet"),
    **dict.fromkeys(("weights", "checkpoint_path", "ckpt"), "model.weights={}"),
    **dict.fromkeys(("dropout", "drop_rate"), "head.dropout={}"),
    **dict.fromkeys(("val_split", "validation_split", "val_size", "valid_pct"), "split.validation={}"),
    **dict.fromkeys(("test_split", "test_size"), "split.test={}"),
    **dict.fromkeys(("fold", "k_fold"), "split.fold={}"),
    **dict.fromkeys(("seeds", "random_seed", "random_state"), "seed={}"),
    **dict.fromkeys(("clip", "clip_grad", "max_grad_norm", "gradient_clip_val"), "grad_clip={}"),
    **dict.fromkeys(("warmup_epochs",), "warmup.epochs={}"),
    **dict.fromkeys(("patience",), "early_stopping.patience={}"),
    **dict.fromkeys(("smoothing", "label_smoothing"), "loss.label_smoothing={}"),
    **dict.fromkeys(("mixup", "mixup_alpha"), "mix.mixup={}"),
    **dict.fromkeys(("cutmix", "cutmix_alpha"), "mix.cutmix={}"),
    **dict.fromkeys(("step_size", "stepsize"), "policy.step_size={}"),
    **dict.fromkeys(("output", "output_dir", "out", "outdir", "save_dir", "logdir"), "hydra.run.dir={}"),
    **dict.fromkeys(("label", "target_column"), "dataset.label={}"),
    **dict.fromkeys(("group", "patient", "patient_id"), "dataset.group={}"),
}
OPTIONS = {  # group -> an option's name elsewhere -> what to write
    "policy": {
        **dict.fromkeys(("clr", "cyclic", "cyclical", "cycliclr", "cyclic_lr"), "policy=triangular"),
        **dict.fromkeys(("onecycle", "onecyclelr", "1cycle", "super_convergence"), "policy=one_cycle"),
        **dict.fromkeys(("cosineannealing", "cosine_annealing", "cosineannealinglr"), "policy=cosine"),
        **dict.fromkeys(("warm_restarts", "cosine_restarts", "cosineannealingwarmrestarts"), "policy=sgdr"),
        **dict.fromkeys(("plateau", "reduce_on_plateau", "reducelronplateau"), "plan=decay"),
        **dict.fromkeys(("steplr", "drop"), "policy=step"),
        **dict.fromkeys(("multisteplr", "multistep", "piecewise"), "policy=multi_step"),
        **dict.fromkeys(("poly", "polynomiallr"), "policy=polynomial"),
        **dict.fromkeys(("exp", "exponentiallr"), "policy=exponential"),
        **dict.fromkeys(("fixed", "none", "flat"), "policy=constant"),
    },
    "dataset": {
        **dict.fromkeys(("folder", "imagefolder", "images", "directory", "custom"), "dataset=image_folder"),
        **dict.fromkeys(("ham10000", "isic", "skin"), "dataset=dermatology"),
        **dict.fromkeys(("nih", "chestxray", "chestx-ray14", "xray", "cxr"), "dataset=chestxray14"),
        **dict.fromkeys(("mias", "mammography", "ddsm"), "dataset=microcalcification"),
        **dict.fromkeys(("cifar", "cifar-10"), "dataset=cifar10"),
        **dict.fromkeys(("medmnist", "pneumoniamnist", "mnist"), "dataset=npz"),
        **dict.fromkeys(("table", "dataframe", "chexpert"), "dataset=csv"),
    },
    "model": {
        **dict.fromkeys(("mobilenetv1", "mobilenet_v1"), "model=mobilenet"),
        **dict.fromkeys(("densenet", "chexnet"), "model=densenet121"),
        **dict.fromkeys(("resnet",), "model=resnet18"),
        **dict.fromkeys(("cnn", "small"), "model=cnn4"),
    },
    "optimizer": {"momentum": "optimizer=sgd", "rms": "optimizer=rmsprop"},
    "augment": {**dict.fromkeys(("default", "true"), "augment=flip"), "false": "augment=none"},
}
VALUES = {  # key -> a value given to it -> what to write
    "device": dict.fromkeys(("gpu", "cuda0"), "device=cuda"),
    "precision": {
        **dict.fromkeys(("fp16", "16", "half", "mixed", "amp", "bfloat16"), "precision=bf16"),
        **dict.fromkeys(("32", "float32", "full"), "precision=fp32"),
    },
    "loss": {
        "focal": "loss.focal_gamma=2",
        "balanced": "loss.class_weights=balanced",
        "weighted": "loss.class_weights=balanced",
    },
    "mix": {"mixup": "mix.mixup=0.2", "cutmix": "mix.cutmix=1"},
}
COUNTS = {  # a section -> the key that a bare number given to it is meant for
    "early_stopping": "early_stopping.patience",
    "warmup": "warmup.epochs",
    "split": "split.test",
    "checkpoint": "checkpoint.every",
}
TABLES = (".csv", ".tsv")


def key_here(word: str) -> str:
    """What to write for `KEY=VALUE` in another system's words, e.g. `learning_rate=0.1` -> `lr=0.1`; "" if unknown."""
    key, _, value = word.partition("=")
    name = key.lstrip("-+").replace("-", "_").lower()
    return KEYS[name].format(value or "VALUE") if name in KEYS else ""


def option_here(group: str, name: str) -> str:
    """What to write for another system's option, e.g. `policy=onecycle`, or for a path as data set; "" if unknown."""
    plain = name.lower().removesuffix("_lr")
    if found := OPTIONS.get(group, {}).get(plain) or OPTIONS.get(group, {}).get(name.lower()):
        return found
    if group == "dataset" and ("/" in name or Path(name).exists()):
        kind = "npz" if name.endswith(".npz") else "csv" if name.endswith(TABLES) else "image_folder"
        return f"dataset={kind} dataset.root={name}"
    return ""


def value_here(key: str, value: object) -> str:
    """What to write for a value in another system's words, e.g. `device=gpu` -> `device=cuda`; "" if unknown."""
    if key in COUNTS and not isinstance(value, dict | list | str):
        return f"{COUNTS[key]}={value}"
    return VALUES.get(key, {}).get(str(value).lower(), "")
