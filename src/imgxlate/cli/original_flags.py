"""Options of the original programs, which their users type by habit, and what to type here. Imports nothing heavy."""

from collections.abc import Mapping, Sequence

_RUN_ON = {
    "--gpu_ids": "`--device cuda:0`, or `--device cpu`",
    "--gpu": "`--device cuda:0`, or `--device cpu`",
    "-gpu": "`--device cuda:0`, or `--device cpu`",
}

_TRANSLATE = _RUN_ON | {
    "--dataroot": "the argument INPUT, a folder or files",
    "--input": "the argument INPUT, a folder or files",
    "--input_folder": "the argument INPUT, a folder or files",
    "--name": "`--checkpoint FILE`",
    "--epoch": "`--checkpoint FILE`",
    "--checkpoints_dir": "`--checkpoint FILE`",
    "--direction": "`--to A` for BtoA, `--to B` for AtoB",
    "--a2b": "`--to B` for 1, `--to A` for 0",
    "--results_dir": "`-o FOLDER`",
    "--output_folder": "`-o FOLDER`",
    "--load_size": "`--size N`",
    "--crop_size": "`--size N`",
    "--num_style": "`--n-styles N`",
    "--trainer": "the argument METHOD",
    "--eval": "`--norm-statistics running`",
    "--no_dropout": "nothing: it is read off the weights",
    "--netG": "nothing: it is read off the weights",
    "--norm": "nothing: it is read off the weights, or `--config` with the original's options",
    "--num_test": "nothing: all inputs are translated",
}

_TRAIN = _RUN_ON | {
    "--dataroot": "the argument DATA_A, a folder that holds trainA and trainB",
    "--name": "`--out RUN`",
    "--checkpoints_dir": "`--out RUN`",
    "--output_path": "`--out RUN`",
    "--continue_train": "`--resume`",
    "--n_epochs": "`--epochs N`, of which the learning rate falls over a share: `--set lr_decay_share=0.5`",
    "--niter": "`--epochs N`, of which the learning rate falls over a share: `--set lr_decay_share=0.5`",
    "--max_iter": "`--iterations N`",
    "--trainer": "the argument METHOD",
    "--model": "the argument METHOD",
    "--load_size": "`--set data.new_size=N`",
    "--crop_size": "`--set data.crop_height=N --set data.crop_width=N`",
    "--direction": "the order of DATA_A and DATA_B",
    "--CUT_mode": "`--preset default`, or `--preset fastcut`",
}

_PAINT = _RUN_ON | {
    "--content_image": "the argument CONTENT",
    "-content_image": "the argument CONTENT",
    "--content": "the argument CONTENT",
    "--style_image": "the argument STYLE",
    "-style_image": "the argument STYLE",
    "--styles": "the argument STYLE",
    "--output_image": "`-o FILE`",
    "-output_image": "`-o FILE`",
    "--image_size": "`--size N`",
    "-image_size": "`--size N`",
    "--num_iterations": "`--iterations N`",
    "-num_iterations": "`--iterations N`",
    "--style_blend_weights": "`--style-weights W,W`",
    "-style_blend_weights": "`--style-weights W,W`",
    "--original_colors": "`--preserve-color luminance`",
    "-original_colors": "`--preserve-color luminance`",
    "--save_iter": "`--save-every N`",
    "-save_iter": "`--save-every N`",
    "--init_image": "`--init FILE`",
    "--backend": "`--device cuda:0`, or `--device cpu`",
}

_FLAGS: Mapping[str, Mapping[str, str]] = {"translate": _TRANSLATE, "train": _TRAIN, "neural-style": _PAINT}


def explain(command: str, typed: Sequence[str], own: Sequence[str]) -> str | None:
    """A message about the first word that is an option of the originals and none of the `own` ones; else None."""
    for word in typed:
        flag = word.partition("=")[0]
        if flag not in own and (ours := _FLAGS.get(command, {}).get(flag)):
            return f"{flag} is an option of the original program. Here, it is {ours}."
    return None
