# cmake -DPAGE=<site.html> -DOUT=<file.cpp> -P embed_page.cmake
# Writes a C++ source that holds the page as a raw string.
file(READ ${PAGE} text)
set(body "#include \"charger_bridge/site_page.h\"\n\nnamespace tally::bridge {\n\n")
string(APPEND body "std::string_view site_page_text() { return R\"page(${text})page\"; }\n\n")
string(APPEND body "}  // namespace tally::bridge\n")
file(WRITE ${OUT} "${body}")
