/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a step ran here: STEP_WHY(name, words).
 */
STEP_WHY(ALONE, "not behind a compile")
STEP_WHY(UNWANTED, "no node takes steps")
STEP_WHY(OFF, "steps = no") /* [farm] of the configuration */
STEP_WHY(NO_REMOTE, "--no-remote")
STEP_WHY(LINE, "unusual line")
STEP_WHY(OPTION, "unusual option")
STEP_WHY(JOB, "its job was done here") /* which has a reason of its own */
