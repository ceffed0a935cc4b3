/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options/env.h - the environment variables that gcc and clang read.
 *
 * libc only (the wrapper uses it).  Source: gcc's manual, "Environment
 * Variables Affecting GCC", and gcc.cc; clang's driver.cpp and Driver.cpp.
 */
#ifndef OPTIONS_ENV_H
#define OPTIONS_ENV_H

#include "base/reason.h"

#include <stdbool.h>

/* Is this NAME=VALUE one that the coordinator needs to know? */
bool options_env_wanted(const char *entry);
/* Why a compile in this environment is local, if it is. */
enum reason options_env_local(char *const *env);
/*
 * May a node's compiler see this NAME=VALUE?  The build host asks before it
 * sends, the node before it uses it.
 */
bool options_env_for_node(const char *entry);

#endif
