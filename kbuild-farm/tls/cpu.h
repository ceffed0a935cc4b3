/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls/cpu.h - what this processor encrypts fast.
 */
#ifndef TLS_CPU_H
#define TLS_CPU_H

#include <stdbool.h>

/*
 * Has it instructions for AES and for the product that GCM needs?  Without
 * them AES-GCM is several times slower than ChaCha20-Poly1305.
 */
bool tls_cpu_has_aes(void);

#endif
