/* SPDX-License-Identifier: MIT */
#ifndef CLI_DURATION_H
#define CLI_DURATION_H

enum { DURATION_TEXT_MAX = 32 };

/* "0.35 s", "12.1 s", "3 min 4 s", "5 h 6 min", "7 d 8 h": written to `text` and returned. */
const char *duration_text(char text[DURATION_TEXT_MAX], double seconds);

#endif
