/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * enrol/text.h - the scripts and files that a node is given, templates/enrol
 * and templates/systemd as they were when kfarm was compiled.
 */
#ifndef ENROL_TEXT_H
#define ENROL_TEXT_H

#include "base/bytes.h"

enum enrol_text {
	ENROL_COMMON, /* in front of the next three */
	ENROL_INSTALL,
	ENROL_REMOVE,
	ENROL_REKEY,
	ENROL_UNIT, /* for systemd */
	ENROL_INIT, /* the start script */
	ENROL_OPENRC, /* what OpenRC calls it by */
};

/* Its bytes, which stay. */
struct bytes enrol_text(enum enrol_text which);

#endif
