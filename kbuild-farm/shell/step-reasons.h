/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reasons why a tool step ran locally: STEP_REASON(name, text). */
STEP_REASON(ALONE, "not after a compile")
STEP_REASON(UNWANTED, "no node runs tool steps")
/* the setting `steps` in section [farm] of the configuration */
STEP_REASON(OFF, "steps = no")
STEP_REASON(NO_REMOTE, "--no-remote")
STEP_REASON(LINE, "unusual line")
STEP_REASON(OPTION, "unusual option")
/*
 * the job that contained the step ran locally; the cause is counted for the job
 */
STEP_REASON(JOB, "compile ran locally")
STEP_REASON(DISABLED, "disabled on nodes")
