/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options/env.h - Environment variables that gcc and clang read.
 *
 * Depends only on libc because the wrapper uses it.  Sources: gcc's manual,
 * "Environment Variables Affecting GCC", and gcc.cc; driver.cpp and Driver.cpp
 * of clang.
 */
#ifndef OPTIONS_ENV_H
#define OPTIONS_ENV_H

#include "base/reason.h"

#include <stdbool.h>

/* Return true if this NAME=VALUE must be sent to the coordinator. */
bool options_env_is_relevant(const char *entry);
/*
 * Return the reason why a compile in this environment is local, or REASON_NONE.
 */
enum reason options_env_local_reason(char *const *env);
/*
 * Return true if this NAME=VALUE can be set for a compile on a node.  The build
 * host checks a variable before sending it, and the node before using it.
 */
bool options_env_is_allowed(const char *entry);

#endif
