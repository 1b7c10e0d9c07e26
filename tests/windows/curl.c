/* Stands for curl: prints its words and what stdin holds. */
#include <stdio.h>

int main(int count, char **words) {
    for (int at = 1; at < count; at++) printf("word %s\n", words[at]);
    for (int c; (c = getchar()) != EOF;) putchar(c);
    return 9;
}
