/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reasons why a tool step ran locally: STEP_REASON(name, text). */
STEP_REASON(ALONE, "not behind a compile")
STEP_REASON(UNWANTED, "no node takes steps")
STEP_REASON(OFF, "steps = no") /* [farm] in the configuration */
STEP_REASON(NO_REMOTE, "--no-remote")
STEP_REASON(LINE, "unusual line")
STEP_REASON(OPTION, "unusual option")
/* another reason is counted for the job */
STEP_REASON(JOB, "its job was done here")
