/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/phase.h - what a build is at, as kbuild's short lines tell.
 *
 * config, install, package and artifacts are steps of kfarm's own.  Between
 * config and the others make runs, and
 * prints a line ("  LD      vmlinux.o") for each thing that is made: with
 * -Otarget when it is finished.  So what is told is what comes next:
 *
 *	prepare		until the first object of the kernel
 *	compile		objects
 *	link		after "AR built-in.a", "AR vmlinux.a", and until vmlinux
 *	modpost		after "LD vmlinux.o", and "MODPOST" itself
 *	modules		"LD [M] x.ko" and what is made for it
 *	dtbs		device trees, when nothing is compiled besides
 *
 * With V=1 or -s make prints no such lines, and all is "prepare".
 */
#ifndef KERNEL_PHASE_H
#define KERNEL_PHASE_H

#include <stdbool.h>

#define KERNEL_PHASE_CONFIG    "config"
#define KERNEL_PHASE_PREPARE   "prepare"
#define KERNEL_PHASE_COMPILE   "compile"
#define KERNEL_PHASE_LINK      "link"
#define KERNEL_PHASE_MODPOST   "modpost"
#define KERNEL_PHASE_MODULES   "modules"
#define KERNEL_PHASE_DTBS      "dtbs"
#define KERNEL_PHASE_INSTALL   "install"
#define KERNEL_PHASE_PACKAGE   "package"
#define KERNEL_PHASE_ARTIFACTS "artifacts"

/* The phase after a line of the log, one of the above; NULL: it says none. */
const char *kernel_phase_after(const char *line);

#endif
