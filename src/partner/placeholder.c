/* replaced by the folder's first file */ typedef int komet_partner_placeholder;
