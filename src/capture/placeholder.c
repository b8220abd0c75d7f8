/* replaced by the folder's first file */ typedef int komet_capture_placeholder;
